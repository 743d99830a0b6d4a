//! The back server dies and comes back.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::time::{interval, timeout};

use crate::{
    calls::{ADD, Answer},
    checks,
    children::LIMIT,
    system::System,
};

/// How often a call is tried again.
const TRY: Duration = Duration::from_millis(50);

/// Kills the back server and calls: an error that says so to the caller, and a chain that says why.
pub(crate) async fn begin(system: &mut System) -> anyhow::Result<()> {
    println!("kill -9 {}", system.kill_back().await?);
    let answer = ADD.run(&system.address()?).await?;
    println!("{answer}");
    checks::failure(&answer)?;
    let chain = system.traces.next(ADD.function, checks::FAILED_SUM_LINES).await?;
    print!("\n{chain}");
    checks::failed_sum_chain(&chain)
}

/// Lets the back server be started again and calls until the front server is connected to it.
pub(crate) async fn end(system: &System) -> anyhow::Result<()> {
    println!("{}", system.revive_back().await?);
    let (began, gateway) = (Instant::now(), system.address()?);
    let answer = timeout(LIMIT, until_it_works(&gateway))
        .await
        .context("calls still fail although the back server is there again")??;
    println!("{answer}");
    println!("\nCalls work again after {} ms.", began.elapsed().as_millis());
    checks::sum(&answer)
}

async fn until_it_works(gateway: &str) -> anyhow::Result<Answer> {
    let mut ticks = interval(TRY);
    loop {
        ticks.tick().await;
        let answer = ADD.run(gateway).await?;
        if answer.status == 200 {
            return Ok(answer);
        }
    }
}
