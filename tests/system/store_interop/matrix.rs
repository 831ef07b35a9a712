//! The matrix: each program that writes to a Secret Service, and keystencil as reader; then the reverse.
//!
//! What is to be had here runs itself: `secret-tool`, Python's `keyring` and `secretstorage`, and KeePassXC in a file
//! of its own. The others are played with exactly their attributes: go-keyring from its `keyring_unix.go`, the
//! `keyring` crate as version 3.6.3 wrote them here, git-credential-libsecret from git's
//! `contrib/credential/libsecret`, and KWallet, whose Secret Service keeps the attributes that a libsecret program
//! gives it.

use crate::keyring::Keyring;
use crate::names::{account, answer, name, python, read, secret};
use keystencil::store::{Choice, StoreError, Stores};

/// An entry as one program makes it; `{}` in its attributes is the service.
struct Writer {
    program: &'static str,
    label: &'static str,
    attributes: &'static str,
}

const WRITERS: [Writer; 9] = [
    Writer { program: "secret-tool, account", label: "mine", attributes: "service {} account api-key" },
    Writer { program: "secret-tool, username", label: "mine", attributes: "service {} username api-key" },
    Writer { program: "secret-tool, user", label: "mine", attributes: "service {} user api-key" },
    Writer {
        program: "Python keyring",
        label: "Password for 'api-key' on '{}'",
        attributes: "application Python_keyring_library service {} username api-key",
    },
    Writer {
        program: "Python keyring, KeePassXC scheme",
        label: "Password for 'api-key' on '{}'",
        attributes: "application Python_keyring_library Title {} UserName api-key",
    },
    Writer {
        program: "go-keyring",
        label: "Password for 'api-key' on '{}'",
        attributes: "service {} username api-key",
    },
    Writer {
        program: "keyring 3",
        label: "api-key@{}:default (keyring v3.6.3)",
        attributes: "application rust-keyring service {} target default username api-key",
    },
    Writer {
        program: "keyring 4",
        label: "keyring:api-key@{}",
        attributes: "service {} target default username api-key",
    },
    Writer {
        program: "an application through libsecret",
        label: "Web login",
        attributes: "service {} username api-key url https://example.com xdg:schema org.example.Login",
    },
];

/// Makes an item over `secretstorage`: its label, its attributes in turn, and the value from standard input. It does
/// not replace: gnome-keyring would replace one that has more attributes.
const MAKE: &str = "
import sys, secretstorage
words = sys.argv[2:]
collection = secretstorage.get_default_collection(secretstorage.dbus_init())
collection.create_item(sys.argv[1], dict(zip(words[::2], words[1::2])), sys.stdin.buffer.read(), replace=False,
                       content_type='text/plain; charset=utf8')
";

/// Prints how many items have these attributes, and their values.
const FIND: &str = "
import sys, secretstorage
words = sys.argv[1:]
found = list(secretstorage.search_items(secretstorage.dbus_init(), dict(zip(words[::2], words[1::2]))))
print(len(found), *[item.get_secret().decode() for item in found], end='')
";

fn write(keyring: &Keyring, writer: &Writer, service: &str, value: &str) -> String {
    let label = writer.label.replace("{}", service);
    let attributes = writer.attributes.replace("{}", service);
    let mut arguments = vec!["-c", MAKE, &label];
    arguments.extend(attributes.split(' '));
    keyring.run(&python(), &arguments, value);
    label
}

fn found(keyring: &Keyring, attributes: &str) -> String {
    let mut arguments = vec!["-c", FIND];
    arguments.extend(attributes.split(' '));
    keyring.run(&python(), &arguments, "")
}

#[test]
fn what_each_program_wrote_is_read_and_neither_changed_nor_removed() {
    let keyring = Keyring::start();
    let stores = keyring.stores(Choice::Auto);
    for (index, writer) in WRITERS.iter().enumerate() {
        let (service, value) = (format!("service-{index}"), format!("value-{index}"));
        let (asked, label) = (name(&service), write(&keyring, writer, &service, &value));
        assert_eq!(read(&stores, &asked).as_deref(), Ok(&*value), "{}", writer.program);
        let refused = |error: StoreError| match error {
            StoreError::Foreign { name, label: said, change } => {
                assert_eq!((name, said), (asked.clone(), label.clone()));
                change
            }
            other => panic!("{}: {other:?}", writer.program),
        };
        refused(stores.remove(&asked).unwrap_err());
        let change = refused(stores.set(&asked, &secret("ours")).unwrap_err());
        // The command that is given does it, to the very entry.
        let is_other_schema = writer.attributes.contains("xdg:schema");
        assert_eq!(change.is_none(), is_other_schema, "{}: {change:?}", writer.program);
        let value = if is_other_schema { value } else { format!("{value}-changed") };
        if let Some(command) = change {
            assert!(command.starts_with("secret-tool store --label="), "{}: {command}", writer.program);
            keyring.run("sh", &["-c", &command], &value);
        }
        let attributes = writer.attributes.replace("{}", &service);
        assert_eq!(found(&keyring, &attributes), format!("1 {value}"), "{}", writer.program);
        assert_eq!(read(&stores, &asked).as_deref(), Ok(&*value), "{}", writer.program);
    }
}

#[test]
fn two_programs_with_different_values_are_an_error_that_lists_labels_and_no_value() {
    for (index, one) in WRITERS.iter().enumerate() {
        let keyring = Keyring::start();
        let stores = keyring.stores(Choice::Auto);
        for other in &WRITERS[index + 1..] {
            // Those of one step of the lookup.
            let step = |writer: &Writer| ["username", "account", "user", "Title"].map(|key| has(writer, key));
            if step(one) != step(other) {
                continue;
            }
            let service = format!("{}-{}", one.program, other.program).replace(' ', "-");
            let labels = [write(&keyring, one, &service, "canary-1"), write(&keyring, other, &service, "canary-2")];
            let error = read(&stores, &name(&service)).unwrap_err();
            let StoreError::Ambiguous { labels: said, .. } = answer(&error) else { panic!("{service}: {error:?}") };
            assert!(said.len() == 2 && labels.iter().all(|label| said.contains(label)), "{service}: {said:?}");
            assert!(!format!("{error} {error:?}").contains("canary"), "{service}");
        }
    }
}

fn has(writer: &Writer, key: &str) -> bool {
    writer.attributes.split(' ').step_by(2).any(|attribute| attribute == key)
}

#[test]
fn an_entry_of_git_is_not_found_by_fewer_attributes_than_it_has() {
    let keyring = Keyring::start();
    let stores = keyring.stores(Choice::Auto);
    let git = "user octocat protocol https server github.com xdg:schema org.git.Password";
    keyring.secret_tool_store("Git: https://github.com/", git, "git's");
    for asked in [account("github.com", "octocat"), account("https", "octocat"), account("octocat", "octocat")] {
        assert!(answer(&read(&stores, &asked).unwrap_err()).is_not_found(), "{asked}");
    }
    stores.set(&account("github.com", "octocat"), &secret("ours")).unwrap();
    assert_eq!(keyring.secret_tool_lookup(git).as_deref(), Some("git's"));
}

#[test]
fn every_program_reads_what_keystencil_wrote() {
    let keyring = Keyring::start();
    let value = "gr\u{fc}n \"x\"\n\t\u{1f511}";
    keyring.stores(Choice::Native).set(&name("github"), &secret(value)).unwrap();
    assert_eq!(keyring.secret_tool_lookup("service github username api-key").as_deref(), Some(value));
    // go-keyring and the `keyring` crate search for these two.
    assert_eq!(found(&keyring, "service github username api-key"), format!("1 {value}"));
    let code = "from keyring.backends.SecretService import Keyring\n\
                print(Keyring().get_password('github', 'api-key'), end='')";
    assert_eq!(keyring.run(&python(), &["-c", code], ""), value);
}

#[test]
fn no_search_has_fewer_attributes_than_a_name_has_but_that_for_our_own() {
    let keyring = Keyring::start();
    keyring.secret_tool_store("theirs", "service theirs account api-key", "theirs");
    let monitor = keyring.monitor("interface='org.freedesktop.Secret.Service',member='SearchItems'");
    let stores: Stores = keyring.stores(Choice::Auto);
    stores.set(&name("github"), &secret("ghp_1")).unwrap();
    for asked in ["github", "theirs", "never stored"] {
        let _ = read(&stores, &name(asked));
        let _ = stores.get(&name(asked));
    }
    let _ = stores.set(&name("theirs"), &secret("ours"));
    let _ = stores.remove(&name("theirs"));
    stores.remove(&name("github")).unwrap();
    assert!(stores.list().answered);
    let seen = monitor.end();
    let searches: Vec<&str> = seen.split("member=SearchItems").skip(1).collect();
    assert!(searches.len() > 10, "the monitor saw no search: {seen}");
    for search in searches {
        let pairs = search.matches("dict entry(").count();
        let own = search.contains("\"application\"") && search.contains("\"keystencil\"");
        assert!(pairs == 2 || (pairs == 1 && own), "{search}");
    }
}
