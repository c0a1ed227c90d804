use std::path::Path;

use super::*;

fn loaded(text: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plimsoll.toml");
    std::fs::write(&path, text).unwrap();
    load(&path).map_err(|error| {
        let mut lines = vec![error.to_string()];
        lines.extend(error.details().into_iter().map(|line| format!("  {line}")));
        lines.join("\n").replace(&format!("{}/", folder.path().display()), "")
    })
}

const TOKEN: &str = "[[tokens]]\nname = \"ann\"\nrole = \"developer\"\ntoken = \"anns-token-0123456789\"\n";

#[test]
fn the_smallest_file_names_the_data_directory_and_one_caller() {
    let config = loaded(&format!("data = \"/var/lib/plimsoll\"\n{TOKEN}")).unwrap();
    let expected = Config {
        listen: "127.0.0.1:7400".parse().unwrap(),
        data: "/var/lib/plimsoll".into(),
        ledger: LedgerSettings {
            quota: NonZeroU64::new(2 * 1024 * 1024 * 1024).unwrap(),
            tidy: Duration::from_hours(1),
            deletions: Duration::from_hours(7 * 24),
        },
        tls: None,
        proxy: None,
        tokens: vec![Token {
            name: "ann".to_owned(),
            role: Role::Developer,
            digest: Digest::of_bytes(b"anns-token-0123456789"),
        }],
        log: Log { format: LogFormat::Text, filter: "info".to_owned() },
        registries: RegistrySettings::default(),
    };
    assert_eq!(config, expected);
}

#[test]
fn paths_are_relative_to_the_file_that_names_them() {
    let text = format!("data = \"state\"\n[tls]\ncertificate = \"tls.crt\"\nkey = \"/etc/tls.key\"\n{TOKEN}");
    let file = file::parse(&text).unwrap();
    let config = check::check(file, Path::new("/etc/plimsoll")).unwrap();
    assert_eq!(config.data, Path::new("/etc/plimsoll/state"));
    let tls = Tls { certificate: "/etc/plimsoll/tls.crt".into(), key: "/etc/tls.key".into() };
    assert_eq!(config.tls, Some(tls));
}

#[test]
fn the_commented_example_is_a_configuration() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/plimsoll.toml");
    let config = load(&example).unwrap();
    assert_eq!(config.data, Path::new("/var/lib/plimsoll"));
    // What is commented out must be right, too: every line that begins with `#` and a key is put in force.
    let text = std::fs::read_to_string(&example).unwrap();
    let in_force: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .collect();
    let config = loaded(&in_force.join("\n")).unwrap();
    assert!(config.tls.is_some() && config.proxy.is_some());
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.ledger, LedgerSettings::default(), "the file shows the defaults");
    assert_eq!(config.tokens.len(), 3);
    assert_eq!((config.registries.list.len(), config.registries.near.len()), (2, 1));
}

#[test]
fn every_fault_of_a_file_is_one_line_with_its_field_and_its_remedy() {
    let with = |line: &str| format!("data = \"d\"\n{line}\n{TOKEN}");
    let token = |lines: &str| format!("data = \"d\"\n[[tokens]]\n{lines}");
    let table = [
        ("nothing at all", String::new()),
        ("listen without port", with("listen = \"localhost\"")),
        ("listen of another type", with("listen = [1]")),
        ("a misspelt field", with("lisen = \"127.0.0.1:1\"")),
        ("a misspelt field within", with("[log]\nformt = \"json\"")),
        ("an unknown log format", with("[log]\nformat = \"xml\"")),
        ("a quota that is nothing", with("[ledger]\nquota = \"0\"")),
        ("a quota without unit", with("[ledger]\nquota = \"2 gigs\"")),
        ("how often, too often", with("[ledger]\ntidy = \"0s\"")),
        ("how long, not at all", with("[ledger]\ndeletions = \"0s\"")),
        ("a log filter", with("[log]\nfilter = \"plimsoll=loud\"")),
        ("an empty path", "data = \" \"\n".to_owned() + TOKEN),
        ("half of TLS", with("[tls]\ncertificate = \"c.pem\"")),
        ("a proxy", with("proxy = \"socks5://proxy:1080\"")),
        ("a token without anything", token("")),
        ("a role", token("name = \"a\"\nrole = \"admin\"\ntoken = \"0123456789abcdef\"")),
        ("a short token", token("name = \"a\"\nrole = \"viewer\"\ntoken = \"hunter2\"")),
        ("a token with a blank", token("name = \"a\"\nrole = \"viewer\"\ntoken = \"0123456789 abcdef\"")),
        ("a hash", token("name = \"a\"\nrole = \"viewer\"\nsha256 = \"abc\"")),
        (
            "token and hash",
            token("name = \"a\"\nrole = \"viewer\"\ntoken = \"0123456789abcdef\"\nsha256 = \"abc\""),
        ),
        ("a name", token("name = \"a b\"\nrole = \"viewer\"\ntoken = \"0123456789abcdef\"")),
        ("a token twice", format!("data = \"d\"\n{TOKEN}{TOKEN}")),
        ("a token that is a table", token("name = \"a\"\nrole = \"viewer\"\ntoken = {secret = \"s3cr3t\"}")),
        ("a registry without a host", with("[[registries]]\nuser = \"a\"")),
        (
            "hosts that are none",
            with("[[registries]]\nhost = \"https://r.example.com\"\ntokenHosts = [\"a b\"]"),
        ),
        ("a scheme", with("[[registries]]\nhost = \"r.example.com\"\nscheme = \"tcp\"")),
        ("a password of nobody", with("[[registries]]\nhost = \"r.example.com\"\npasswordFile = \"p\"")),
        ("a registry's proxy", with("[[registries]]\nhost = \"r.example.com\"\nproxy = \"proxy:3128\"")),
        (
            "a registry twice",
            with("[[registries]]\nhost = \"r.example.com\"\n[[registries]]\nhost = \"r.example.com\""),
        ),
        ("a registry that is not listed", with("[dataCenters.dc-1]\nregistry = \"r.example.com/mirror\"")),
        ("a prefix that is none", with("[dataCenters.dc-1]\nregistry = \"r.example.com/Mirror\"")),
        ("a data center that is none", with("[dataCenters.\"dc 1\"]")),
        ("no TOML", "data = d\ntoken = \"s3cr3t".to_owned()),
    ];
    let told: Vec<String> = table
        .iter()
        .map(|(what, text)| {
            let told = loaded(text).expect_err(what);
            assert!(!told.contains("hunter2") && !told.contains("s3cr3t"), "{told}");
            format!("# {what}\n{told}")
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn registries_are_reached_by_tls_but_on_this_machine_and_where_somebody_wrote_otherwise() {
    let registry = |host: &str, more: &str| format!("[[registries]]\nhost = \"{host}\"\n{more}\n");
    let text = format!(
        "data = \"d\"\n{TOKEN}{}{}{}[dataCenters.dc-1]\nregistry = \"mirror:5000/a/b\"\n[dataCenters.dc-2]\n",
        registry("qa.example.com", "authority = \"ca.pem\"\nuser = \"bot\"\npasswordFile = \"/run/secret\""),
        registry("127.0.0.1:5000", ""),
        registry("mirror:5000", "scheme = \"http\"\ntokenHosts = [\"auth.example.com\"]"),
    );
    let config = check::check(file::parse(&text).unwrap(), Path::new("/etc/plimsoll")).unwrap();
    let access = |host: &str, scheme| RegistryAccess {
        host: host.parse().unwrap(),
        scheme,
        authority: None,
        login: None,
        token_hosts: Vec::new(),
        proxy: None,
    };
    let qa = RegistryAccess {
        authority: Some("/etc/plimsoll/ca.pem".into()),
        login: Some(Login { user: "bot".to_owned(), password: "/run/secret".into() }),
        ..access("qa.example.com", Scheme::Https)
    };
    let mirror = RegistryAccess {
        token_hosts: vec!["auth.example.com".parse().unwrap()],
        ..access("mirror:5000", Scheme::Http)
    };
    let expected = RegistrySettings {
        list: vec![qa, access("127.0.0.1:5000", Scheme::Http), mirror],
        near: [("dc-1".parse().unwrap(), "mirror:5000/a/b".parse().unwrap())].into(),
    };
    assert_eq!(config.registries, expected);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = load(Path::new("/nowhere/plimsoll.toml")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/nowhere/plimsoll.toml: cannot be read (No such file or directory (os error 2)); name the file with \
         --config, and let this user read it"
    );
}
