//! A look at the registry's rows, past the registry: the only place here that reads the database.

use std::{fmt, path::Path};

use anyhow::Context as _;
use sqlx::{ConnectOptions as _, Row as _, sqlite::SqliteConnectOptions};

/// The table of nodes. A node's row outlives its servers.
pub(crate) const NODES: &str = "t_node_info";

/// What is worth showing of each table.
const TABLES: [(&str, &[&str]); 3] = [
    (NODES, &["node_name", "present_state", "last_heartbeat"]),
    (
        "t_server_conf",
        &[
            "application",
            "server_name",
            "node_name",
            "present_state",
            "patch_version",
            "metrics_port",
        ],
    ),
    (
        "t_adapter_conf",
        &["adapter_name", "endpoint", "protocol", "max_connections"],
    ),
];

/// The rows of a table, as text.
pub(crate) struct Table {
    name: &'static str,
    columns: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows.len()
    }
}

/// Reads the tables of the SQLite file at `path`.
pub(crate) async fn read(path: &Path) -> anyhow::Result<Vec<Table>> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut connection = options
        .connect()
        .await
        .with_context(|| format!("open {}", path.display()))?;
    let mut tables = Vec::new();
    for (name, columns) in TABLES {
        let list: Vec<_> = columns
            .iter()
            .map(|column| format!("coalesce(cast({column} as text), 'NULL')"))
            .collect();
        let sql = format!("select {} from {name} order by id", list.join(", "));
        let found = sqlx::query(sqlx::AssertSqlSafe(sql))
            .fetch_all(&mut connection)
            .await
            .context(name)?;
        let texts = |row: &sqlx::sqlite::SqliteRow| (0..columns.len()).map(|i| row.get(i)).collect();
        tables.push(Table {
            name,
            columns,
            rows: found.iter().map(texts).collect(),
        });
    }
    Ok(tables)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head: Vec<_> = self.columns.iter().map(|&column| column.to_owned()).collect();
        let lines: Vec<_> = std::iter::once(&head).chain(&self.rows).collect();
        let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or_default();
        let widths: Vec<_> = (0..head.len()).map(width).collect();
        writeln!(f, "{}", self.name)?;
        for line in lines {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            writeln!(f, "    {}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_shown_in_columns() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let table = Table {
            name: "t",
            columns: &["a", "long_name"],
            rows: vec![row(["wide cell", "x"]), row(["y", ""])],
        };
        assert_eq!(
            table.to_string(),
            "t\n    a          long_name\n    wide cell  x\n    y\n"
        );
    }
}
