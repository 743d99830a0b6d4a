//! Which database, and how its settings are spelled.

use std::fmt;
use std::path::PathBuf;

/// A text that never appears in a log, an error or a debug print.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the one place that needs it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// Where the registry keeps its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// MySQL or MariaDB.
    MySql(MySqlAddress),
    /// A SQLite file.
    Sqlite(PathBuf),
}

/// How to reach MySQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MySqlAddress {
    /// `mysql://user:password@host:port/database`
    Url(Secret),
    /// The same in pieces.
    Parts(MySqlParts),
}

/// How to reach MySQL, in pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MySqlParts {
    /// Host name or address; ignored with a socket.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Unix socket, instead of host and port.
    pub socket: Option<PathBuf>,
    /// User.
    pub user: String,
    /// Password, empty for none.
    pub password: Secret,
    /// Database.
    pub database: String,
    /// Encryption of the connection.
    pub tls: Tls,
}

/// Encryption of a connection to MySQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// Never.
    Off,
    /// When the server offers it.
    #[default]
    Preferred,
    /// Always, with any certificate.
    Required,
    /// Always, with a certificate of the server's name.
    Verified,
}

/// Where a database may be named, the first that is there counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources {
    /// `--database-url`, `TARSREGISTRY_DATABASE_URL`
    pub(super) url: Option<Secret>,
    /// `--database-url-file`, `TARSREGISTRY_DATABASE_URL_FILE`: its content
    pub(super) url_from_file: Option<Secret>,
}

/// Database of K8STARS' settings, which do not name one.
const DEFAULT_DATABASE: &str = "db_tars";

/// Whether the process runs in a container of a cluster.
pub(super) fn is_container(environment: impl Fn(&str) -> Option<String>) -> bool {
    let is_set = |name| environment(name).is_some_and(|value| !value.is_empty());
    is_set("POD_IP") || is_set("KUBERNETES_SERVICE_HOST")
}

/// Chooses the database. `environment` gives the value of an environment variable; an empty one counts as absent.
pub(super) fn choose(
    sources: Sources,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Database, DatabaseSettingError> {
    let variable = |name| environment(name).filter(|value| !value.is_empty());
    if let Some(url) = sources.url.or(sources.url_from_file) {
        return from_url(url);
    }
    if let Some(url) = variable("DATABASE_URL") {
        return from_url(url.into());
    }
    if let Some(dsn) = variable("DB_DSN") {
        return from_dsn(&dsn).map(|parts| Database::MySql(MySqlAddress::Parts(parts)));
    }
    if let Some(host) = variable("DB_HOST") {
        let port = variable("DB_PORT").map_or(Ok(3306), |port| port.parse());
        return Ok(Database::MySql(MySqlAddress::Parts(MySqlParts {
            host,
            port: port.map_err(|_| DatabaseSettingError("DB_PORT is no port"))?,
            socket: None,
            user: variable("DB_USER").unwrap_or_else(|| "root".to_owned()),
            password: variable("DB_PASS").unwrap_or_default().into(),
            database: variable("DB_NAME").unwrap_or_else(|| DEFAULT_DATABASE.to_owned()),
            tls: Tls::default(),
        })));
    }
    if is_container(&environment) {
        return Err(DatabaseSettingError(
            "no database is set, and a SQLite file in a container is lost with it: set --database-url \
             (TARSREGISTRY_DATABASE_URL), --database-url-file, DATABASE_URL, DB_DSN or DB_HOST; \
             `sqlite:/path/on/a/volume.db` keeps to SQLite",
        ));
    }
    Ok(Database::Sqlite(PathBuf::from("tarsregistry.db")))
}

/// A database setting that cannot be used. Says nothing of the value: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DatabaseSettingError(pub(super) &'static str);

fn from_url(url: Secret) -> Result<Database, DatabaseSettingError> {
    let text = url.expose();
    if text.starts_with("mysql://") || text.starts_with("mariadb://") {
        return Ok(Database::MySql(MySqlAddress::Url(url)));
    }
    let path = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:"));
    match path {
        Some(path) if !path.is_empty() && !path.contains(['?', '#']) && !path.starts_with(':') => {
            Ok(Database::Sqlite(PathBuf::from(path)))
        }
        Some(_) => Err(DatabaseSettingError(
            "a SQLite URL is `sqlite:` and the path of a file, nothing more",
        )),
        None => Err(DatabaseSettingError(
            "the database URL begins with neither `mysql://` nor `mariadb://` nor `sqlite:`",
        )),
    }
}

/// Reads the form of Go's MySQL driver: `user:password@tcp(host:port)/database?param=value`.
fn from_dsn(dsn: &str) -> Result<MySqlParts, DatabaseSettingError> {
    const FORM: DatabaseSettingError =
        DatabaseSettingError("DB_DSN cannot be read; expected `user:password@tcp(host:port)/database`");
    // Passwords may hold `/`, `@` and `:`: as the driver does, the last slash and then the last at sign divide.
    let (dsn, params) = match dsn.rsplit_once('/').ok_or(FORM)?.1.split_once('?') {
        Some((_, params)) => (&dsn[..dsn.len() - params.len() - 1], params),
        None => (dsn, ""),
    };
    let (front, database) = dsn.rsplit_once('/').ok_or(FORM)?;
    let (login, address) = front.rsplit_once('@').unwrap_or(("", front));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let (net, address) = match address.split_once('(') {
        Some((net, rest)) => (net, rest.strip_suffix(')').ok_or(FORM)?),
        None => (address, ""),
    };
    let (host, port, socket) = match net {
        "tcp" | "" => {
            let (host, port) = host_and_port(address).ok_or(FORM)?;
            (host, port, None)
        }
        "unix" if !address.is_empty() => ("localhost".to_owned(), 3306, Some(PathBuf::from(address))),
        _ => return Err(FORM),
    };
    Ok(MySqlParts {
        host,
        port,
        socket,
        user: if user.is_empty() {
            "root".to_owned()
        } else {
            user.to_owned()
        },
        password: password.into(),
        database: if database.is_empty() {
            DEFAULT_DATABASE.to_owned()
        } else {
            database.to_owned()
        },
        tls: tls(params)?,
    })
}

fn host_and_port(address: &str) -> Option<(String, u16)> {
    if address.is_empty() {
        return Some(("127.0.0.1".to_owned(), 3306));
    }
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().ok()?),
        _ => (address, 3306),
    };
    Some((host.trim_matches(['[', ']']).to_owned(), port))
}

fn tls(params: &str) -> Result<Tls, DatabaseSettingError> {
    match params.split('&').find_map(|param| param.strip_prefix("tls=")) {
        None | Some("preferred") => Ok(Tls::Preferred),
        Some("false") => Ok(Tls::Off),
        Some("skip-verify") => Ok(Tls::Required),
        Some("true") => Ok(Tls::Verified),
        // The name of a configuration inside a Go program: falling back to less would be silent.
        Some(_) => Err(DatabaseSettingError(
            "DB_DSN: `tls` is none of `true`, `false`, `skip-verify`, `preferred`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(variables: &[(&str, &str)]) -> Result<Database, DatabaseSettingError> {
        choose(Sources::default(), |name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    fn parts(host: &str, port: u16, login: (&str, &str), database: &str) -> MySqlParts {
        MySqlParts {
            host: host.into(),
            port,
            socket: None,
            user: login.0.into(),
            password: login.1.into(),
            database: database.into(),
            tls: Tls::Preferred,
        }
    }

    fn mysql(parts: MySqlParts) -> Database {
        Database::MySql(MySqlAddress::Parts(parts))
    }

    #[test]
    fn the_first_setting_counts() {
        let all = [
            ("DATABASE_URL", "sqlite:one.db"),
            ("DB_DSN", "u:p@tcp(h:1)/d"),
            ("DB_HOST", "db"),
            ("DB_PORT", "3307"),
            ("DB_USER", "tars"),
            ("DB_PASS", "secret"),
            ("POD_IP", "10.0.0.1"),
        ];
        assert_eq!(chosen(&all), Ok(Database::Sqlite("one.db".into())));
        assert_eq!(chosen(&all[1..]), Ok(mysql(parts("h", 1, ("u", "p"), "d"))));
        assert_eq!(
            chosen(&all[2..]),
            Ok(mysql(parts("db", 3307, ("tars", "secret"), "db_tars")))
        );
        assert_eq!(
            chosen(&[("DB_HOST", "db")]),
            Ok(mysql(parts("db", 3306, ("root", ""), "db_tars")))
        );
        assert_eq!(
            chosen(&[("DATABASE_URL", "")]),
            Ok(Database::Sqlite("tarsregistry.db".into()))
        );
        let sources = Sources {
            url: Some("sqlite:flag.db".into()),
            ..Sources::default()
        };
        let all = |name: &str| {
            all.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(choose(sources, all), Ok(Database::Sqlite("flag.db".into())));
    }

    #[test]
    fn a_container_needs_a_setting() {
        for marker in ["POD_IP", "KUBERNETES_SERVICE_HOST"] {
            assert!(
                chosen(&[(marker, "10.0.0.1")])
                    .unwrap_err()
                    .to_string()
                    .contains("--database-url")
            );
        }
        let explicit = [("POD_IP", "10.0.0.1"), ("DATABASE_URL", "sqlite:/data/registry.db")];
        assert_eq!(chosen(&explicit), Ok(Database::Sqlite("/data/registry.db".into())));
    }

    #[test]
    fn dsn_of_the_go_driver() {
        let good = [
            (
                "root:p@ss/w:rd@tcp(10.0.0.1:3306)/db_tars?charset=utf8&parseTime=true",
                ("10.0.0.1", 3306),
                ("root", "p@ss/w:rd"),
            ),
            ("tcp([::1]:3307)/", ("::1", 3307), ("root", "")),
            ("u@tcp(db)/db_tars", ("db", 3306), ("u", "")),
            ("u:p@/db_tars", ("127.0.0.1", 3306), ("u", "p")),
        ];
        for (dsn, (host, port), login) in good {
            assert_eq!(from_dsn(dsn), Ok(parts(host, port, login, "db_tars")), "{dsn}");
        }
        let socket = from_dsn("u:p@unix(/run/mysqld.sock)/db_tars").unwrap();
        assert_eq!(socket.socket, Some("/run/mysqld.sock".into()));
        assert_eq!(from_dsn("u:p@tcp(h)/d?tls=true").unwrap().tls, Tls::Verified);
        for bad in [
            "",
            "u:hunter2@tcp(h:1)",
            "u:hunter2@tcp(h:x)/d",
            "u:hunter2@pipe(x)/d",
            "u:hunter2@tcp(h/d",
            "u:hunter2@tcp(h)/d?tls=mine",
        ] {
            let error = from_dsn(bad).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn urls() {
        for (url, path) in [
            ("sqlite:a.db", "a.db"),
            ("sqlite:///var/a.db", "/var/a.db"),
            ("sqlite:/var/a.db", "/var/a.db"),
        ] {
            assert_eq!(from_url(url.into()), Ok(Database::Sqlite(path.into())));
        }
        assert!(matches!(
            from_url("mariadb://u:p@h/d".into()),
            Ok(Database::MySql(MySqlAddress::Url(_)))
        ));
        for bad in ["postgres://u:hunter2@h/d", "sqlite:", "sqlite::memory:", "hunter2"] {
            assert!(!from_url(bad.into()).unwrap_err().to_string().contains("hunter2"));
        }
    }

    #[test]
    fn no_print_shows_a_password() {
        let database = chosen(&[("DB_DSN", "root:hunter2@tcp(h:1)/d")]).unwrap();
        assert!(!format!("{database:?} {database:#?}").contains("hunter2"));
        let database = from_url("mysql://root:hunter2@h/d".into()).unwrap();
        assert!(!format!("{database:?}").contains("hunter2"));
    }
}
