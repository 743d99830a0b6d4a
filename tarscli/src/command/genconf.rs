//! `tarscli genconf`: writes the server's configuration.

use std::time::Duration;

use crate::{
    cli::Genconf,
    control::{self, AskError},
    generate::{self, Generated},
    layout::Layout,
};

/// Longest wait for a supervisor's answer. One that listens and does not answer is one all the same.
const ANSWER: Duration = Duration::from_secs(1);

/// Writes both files and tells what is in them.
pub(crate) async fn run(args: &Genconf) -> anyhow::Result<String> {
    let layout = Layout::new(&args.place.path);
    let keep = is_supervised(&layout).await;
    let generated = generate::genconf(args, keep).await?;
    Ok(report(&generated, &layout))
}

/// Whether a supervisor runs in this folder: start scripts of K8STARS' images write the configuration once more, and the
/// ports are registered already.
async fn is_supervised(layout: &Layout) -> bool {
    !matches!(control::ask_state(layout, ANSWER).await, Err(AskError::NoSupervisor(_)))
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
