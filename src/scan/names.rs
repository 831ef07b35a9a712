//! Tells from a name whether what it names is a secret: environment variables, JSON members, headers, flags.

/// Last words of names of secrets.
const SECRET: [&str; 33] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "pass",
    "apikey",
    "apitoken",
    "apisecret",
    "authtoken",
    "accesstoken",
    "accesskey",
    "secretkey",
    "privatekey",
    "clientsecret",
    "credential",
    "credentials",
    "creds",
    "authorization",
    "bearer",
    "jwt",
    "pat",
    "dsn",
    "authkey",
    "licensekey",
    "masterkey",
    "signingkey",
    "encryptionkey",
    "psk",
    "auth",
    "cookie",
];
/// What a `key` is called that is a secret; a capital name (`STRIPE_KEY`) may say anything else before it.
const KEYS: [&str; 24] = [
    "api",
    "access",
    "secret",
    "private",
    "auth",
    "encryption",
    "signing",
    "master",
    "service",
    "admin",
    "license",
    "account",
    "client",
    "app",
    "application",
    "deploy",
    "webhook",
    "subscription",
    "functions",
    "integration",
    "user",
    "shared",
    "security",
    "write",
];
/// What a name says that is no secret though its last word is one of the above.
const HARMLESS: [&str; 45] = [
    "public",
    "pub",
    "publishable",
    "primary",
    "foreign",
    "partition",
    "sort",
    "cache",
    "index",
    "idempotency",
    "row",
    "object",
    "map",
    "dict",
    "csrf",
    "xsrf",
    "next",
    "page",
    "continuation",
    "cancellation",
    "pagination",
    "cursor",
    "max",
    "min",
    "num",
    "hot",
    "translation",
    "message",
    "i18n",
    "locale",
    "registry",
    "value",
    "group",
    "routing",
    "keyboard",
    "unique",
    "composite",
    "s3",
    "bucket",
    "blob",
    "storage",
    "lookup",
    "query",
    "sync",
    "eos",
];
/// Words after the telling one that change nothing.
const TRAILING: [&str; 15] = [
    "test",
    "live",
    "prod",
    "production",
    "dev",
    "staging",
    "value",
    "b64",
    "base64",
    "hex",
    "raw",
    "old",
    "new",
    "rw",
    "ro",
];

/// Whether a name is that of a secret: its last word says so and none before it denies it. What is only about a
/// secret (`KEY_FILE`, `TOKEN_URL`, `PASSWORD_LENGTH`, `MAX_TOKENS`, `publicKey`) is none.
///
/// ```
/// use keystencil::scan::names::is_secret_name;
/// assert!(is_secret_name("OPENAI_API_KEY") && is_secret_name("--api-key") && is_secret_name("x-goog-api-key"));
/// assert!(!is_secret_name("KEYBOARD") && !is_secret_name("MAX_TOKENS") && !is_secret_name("publicKey"));
/// ```
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let mut words = words(name);
    while words.len() > 1
        && words
            .last()
            .is_some_and(|word| TRAILING.contains(&&**word) || word.bytes().all(|byte| byte.is_ascii_digit()))
    {
        words.pop();
    }
    let Some((last, before)) = words.split_last() else { return false };
    if before.iter().any(|word| HARMLESS.contains(&&**word)) {
        return false;
    }
    let last = last.trim_end_matches(|c: char| c.is_ascii_digit());
    if last == "key" {
        return before.last().is_some_and(|word| KEYS.contains(&&**word)) || (is_shouted(name) && !before.is_empty());
    }
    // `auth` and `cookie` alone name a scheme or a jar more often than a value.
    let vague = ["auth", "cookie", "pass", "pat"].contains(&last) && before.is_empty();
    SECRET.contains(&last) && !vague
        || ["apikey", "token", "secret", "password", "passwd", "accesskey"].iter().any(|word| {
            last.len() > word.len() && last.ends_with(word) && !HARMLESS.contains(&last.trim_end_matches(word))
        })
}

/// Whether the value of a URL's parameter of this name is a secret: `?key=` is, as in no other place.
#[must_use]
pub fn is_secret_parameter(name: &str) -> bool {
    ["key", "sig", "signature", "code", "auth"].iter().any(|known| name.eq_ignore_ascii_case(known))
        || is_secret_name(name)
}

/// Whether a secret of this name is one that people choose: shorter, and less random than what machines make.
#[must_use]
pub fn is_password_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "passwd", "passphrase", "passcode", "pwd", "pass", "secret"].iter().any(|word| name.contains(word))
}

fn is_shouted(name: &str) -> bool {
    !name.bytes().any(|byte| byte.is_ascii_lowercase())
}

/// `OPENAI_API_KEY`, `openaiApiKey`, `X-API-Key`, `--api-key` → words in small letters.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before: Option<char> = None;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        if !c.is_alphanumeric() {
            before = None;
            continue;
        }
        let starts = before.is_none_or(|before| {
            c.is_uppercase() && (before.is_lowercase() || chars.peek().is_some_and(|next| next.is_lowercase()))
        });
        if starts {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
        before = Some(c);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_told_from_names_about_secrets() {
        for name in [
            "OPENAI_API_KEY",
            "GITHUB_TOKEN",
            "STRIPE_KEY",
            "DB_PASSWORD",
            "PGPASSWORD",
            "apiKey",
            "api_key",
            "apikey",
            "x-api-key",
            "X-Goog-Api-Key",
            "Authorization",
            "--api-key",
            "--token",
            "clientSecret",
            "client_secret",
            "AWS_SECRET_ACCESS_KEY",
            "accessToken",
            "private_key",
            "GITHUB_PAT",
            "SENTRY_DSN",
            "SLACK_TOKEN_2",
            "API_KEY_PROD",
            "mysql_pwd",
            "NEXTAUTH_SECRET",
            "secretKey",
            "openAIApiKey",
            "refresh_token",
            "authToken",
            "_authToken",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "smtpPass",
            "webhookSecret",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "KEYBOARD",
            "TOKENIZER",
            "MAX_TOKENS",
            "keybindings",
            "publicKey",
            "PUBLIC_KEY",
            "KEY_FILE",
            "TOKEN_PATH",
            "API_KEY_FILE",
            "TOKEN_URL",
            "tokenLimit",
            "PASSWORD_LENGTH",
            "primaryKey",
            "key",
            "KEY",
            "cacheKey",
            "nextPageToken",
            "csrf_token",
            "SECRET_NAME",
            "secretName",
            "author",
            "authority",
            "monkey",
            "turkey",
            "bypass",
            "compass",
            "tokens",
            "keys",
            "NEXT_PUBLIC_KEY",
            "i18n_key",
            "",
            "---",
            "hotkey",
            "pass",
            "STRIPE_PUBLISHABLE_KEY",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
        assert!(is_secret_parameter("key") && is_secret_parameter("access_token") && !is_secret_parameter("page"));
    }
}
