//! `cargo run -p trace-sample --bin trace-front`, beside a registry and `trace-back`: registers itself, finds the back server
//! through the registry, and hands sums on to it. Ctrl-C ends it. With `--config FILE` it is a server in a container, which
//! `tarscli supervisor` registers.
#![allow(clippy::print_stdout, reason = "a command line program")]

use tars::{BoxError, Context, Result, Server};
use trace_sample::trace::{
    BackendClient, Frontend, FrontendAddOutput, FrontendJsonfuncOutput, FrontendServer, FrontendSubOutput, Req, Rsp,
};

struct Front {
    back: BackendClient,
}

impl Frontend for Front {
    async fn add(&self, _cx: &mut Context, a: i32, b: i32) -> Result<FrontendAddOutput> {
        let sum = self.back.add(a, b).await?;
        Ok(FrontendAddOutput { ret: sum.ret, c: sum.c })
    }

    async fn sub(&self, _cx: &mut Context, a: i32, b: i32) -> Result<FrontendSubOutput> {
        let difference = self.back.sub(a, b).await?;
        Ok(FrontendSubOutput {
            ret: difference.ret,
            c: difference.c,
        })
    }

    async fn jsonfunc(&self, _cx: &mut Context, name: String, req: Req) -> Result<FrontendJsonfuncOutput> {
        let rsp = Rsp {
            x: req.x,
            y: req.y,
            name: format!("{name}, {}", req.name),
        };
        Ok(FrontendJsonfuncOutput { ret: 0, rsp })
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), BoxError> {
    let settings = trace_sample::begin();
    let stop = trace_sample::stop();
    let object = "Trace.TarsTraceFrontServer.FrontendObj";
    let (place, tracer) = (settings.place(object)?, settings.tracer("Trace.TarsTraceFrontServer")?);
    let communicator = place.communicator(&tracer)?;
    let front = Front {
        back: communicator.client("Trace.TarsTraceBackServer.BackendObj")?,
    };
    let server = Server::builder()
        .adapter(place.endpoint.as_str(), object, FrontendServer::new(front))
        .tracer(tracer);
    let server = place.known(server, &communicator).bind().await?;
    println!("{object} is listening at {}", server.local_endpoints()[0]);
    server.serve_with_shutdown(stop).await?;
    Ok(())
}
