//! `tarscli genconf`: writes the server's configuration.

use std::time::Duration;

use tokio::{net::UnixStream, time::timeout};

use crate::{
    cli::Genconf,
    generate::{self, Generated},
    layout::Layout,
};

/// A supervisor that does not take a connection in so long is none.
const ANSWER: Duration = Duration::from_secs(1);

/// Writes both files and tells what is in them.
pub(crate) async fn run(args: &Genconf) -> anyhow::Result<String> {
    let keep = is_supervised(&Layout::new(&args.place.path)).await;
    generate::genconf(args, keep).map(|generated| report(&generated, &Layout::new(&args.place.path)))
}

/// Whether a supervisor runs in this folder: start scripts of K8STARS' images write the configuration once more, and the
/// ports are registered already.
async fn is_supervised(layout: &Layout) -> bool {
    matches!(timeout(ANSWER, UnixStream::connect(layout.socket())).await, Ok(Ok(_)))
}

fn report(generated: &Generated, layout: &Layout) -> String {
    let conf = &generated.info.conf;
    let files = [&generated.config_path, &layout.server_info()].map(|path| format!("wrote {}", path.display()));
    let adapters = conf
        .adapters
        .iter()
        .map(|adapter| format!("{} at {}", conf.servant(adapter), adapter.endpoint));
    let admin = format!("AdminObj at {}", conf.local);
    let warnings = generated.warnings.iter().map(|warning| format!("warning: {warning}"));
    let lines = files.into_iter().chain(adapters).chain([admin]).chain(warnings);
    lines.collect::<Vec<_>>().join("\n")
}
