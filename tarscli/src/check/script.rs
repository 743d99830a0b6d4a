//! The operator's scripts around a check.

use std::time::Duration;

use super::fault::Fault;
use crate::{
    cli,
    process::{Exit, Processes, ScriptError, shell, shell_heard},
};

/// What is run, and for how long. An empty command is none, as with K8STARS.
#[derive(Debug)]
pub(super) struct Scripts {
    before: Option<String>,
    check: Option<String>,
    limit: Duration,
    processes: Processes,
}

impl Scripts {
    pub(super) fn new(settings: &cli::Supervisor, processes: Processes) -> Self {
        let command = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        Self {
            before: command(&settings.before_check_script),
            check: command(&settings.check_script),
            limit: settings.check_script_timeout,
            processes,
        }
    }

    /// How it ends does not matter; that it ends does.
    pub(super) async fn before(&self) {
        let Some(command) = &self.before else {
            return;
        };
        match shell(&self.processes, command, self.limit).await {
            Ok(Exit::Code(0)) => {}
            Ok(exit) => tracing::debug!(%exit, "TARS_BEFORE_CHECK_SCRIPT"),
            Err(error) => tracing::debug!(%error, "TARS_BEFORE_CHECK_SCRIPT"),
        }
    }

    pub(super) async fn check(&self) -> Result<(), Fault> {
        let Some(command) = &self.check else {
            return Ok(());
        };
        let (ended, said) = shell_heard(&self.processes, command, self.limit).await;
        verdict(ended).map_err(|why| match said {
            Some(said) => Fault::new(format!("TARS_CHECK_SCRIPT: {why}: {said}")),
            None => Fault::new(format!("TARS_CHECK_SCRIPT: {why}")),
        })
    }
}

fn verdict(ended: Result<Exit, ScriptError>) -> Result<(), String> {
    match ended {
        Ok(Exit::Code(0)) => Ok(()),
        Ok(exit) => Err(exit.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
