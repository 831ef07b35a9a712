//! Configs with keys planted in them: hosts × kinds of secrets × ways to write them × names × several in one string ×
//! duplicates × comments. Drawn from a number, always the same for it. The keys are made here, so that no scanner takes
//! this repository for a leak.

#![allow(dead_code)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const TELLING: [&str; 10] = [
    "ACME_API_KEY",
    "GITHUB_APP_PRIVATE_KEY",
    "DB_PASSWORD",
    "authToken",
    "client_secret",
    "X-Api-Key",
    "smtpPass",
    "GOOGLE_CREDENTIALS",
    "my secret",
    "aws.session-token",
];
const SILENT: [&str; 8] = ["STUFF", "CONFIG", "VALUE_2", "extra", "DATABASES", "custom headers", "KEY_ID", "note"];

/// A config, and what was planted in it.
pub(crate) struct Planted {
    /// JSON, with comments now and then.
    pub(crate) text: String,
    /// The values, each as it was before it was encoded, and whether it is in a place that tells of it.
    pub(crate) secrets: Vec<(String, bool)>,
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % end
    }

    fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn drawn(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| alphabet[self.below(alphabet.len())] as char).collect()
    }
}

/// The config of a number.
pub(crate) fn planted(number: u64) -> Planted {
    made(number, true)
}

/// The same without a key that is in a second place.
pub(crate) fn planted_once(number: u64) -> Planted {
    made(number, false)
}

fn made(number: u64, mentions: bool) -> Planted {
    let chance = Chance(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut maker = Maker { chance, secrets: Vec::new(), mentions };
    for _ in 0..8 {
        maker.chance.below(2);
    }
    let text = maker.document();
    Planted { text, secrets: maker.secrets }
}

struct Maker {
    chance: Chance,
    mentions: bool,
    secrets: Vec<(String, bool)>,
}

impl Maker {
    fn document(&mut self) -> String {
        let mut servers = Vec::new();
        for index in 0..1 + self.chance.below(3) {
            let server = self.server();
            servers.push(format!("{}: {server}", quoted(&format!("server{index}"))));
        }
        let servers = format!("{{\n  {}\n}}", servers.join(",\n  "));
        let mut members = vec!["\"numStartups\": 1e3".to_owned()];
        members.push(match self.chance.below(8) {
            0 => format!("\"servers\": {servers}"),
            1 => format!("\"mcp_servers\": {servers}"),
            2 => format!("\"context_servers\": {servers}"),
            3 => format!("\"projects\": {{\"/src/shop\": {{\"mcpServers\": {servers}}}}}"),
            4 => format!("\"mcp\": {{\"servers\": {servers}}}"),
            5 => format!("\"list\": [{servers}]"),
            _ => format!("\"mcpServers\": {servers}"),
        });
        if self.chance.one_in(3) {
            let (name, is_telling) = self.name();
            let value = self.string(is_telling);
            members.push(format!("{}: {}", quoted(name), self.written(&value)));
        }
        if self.chance.one_in(3) {
            let mention = self.mention();
            members.push(format!("\"history\": [{{\"display\": {}}}]", quoted(&mention)));
        }
        let mut text = format!("{{\n{}\n}}\n", members.join(",\n"));
        if self.chance.one_in(8) {
            let mention = self.mention().replace(['\n', '\r'], " ");
            text = text.replacen("{\n", &format!("{{\n// {mention}\n"), 1);
        }
        text
    }

    fn server(&mut self) -> String {
        let mut members = vec!["\"command\": \"npx\"".to_owned()];
        for _ in 0..1 + self.chance.below(3) {
            let (name, is_telling) = self.name();
            match self.chance.below(6) {
                0 => {
                    let value = self.string(true);
                    let written = self.written(&value);
                    members.push(format!("\"args\": [\"-y\", \"--api-key\", {written}]"));
                }
                1 => {
                    let value = self.string(false);
                    let written = self.written(&value);
                    members.push(format!("\"args\": [\"run\", {written}, \"image@sha256:4f1e9c0b7a3d5e2f\"]"));
                }
                2 => {
                    let value = self.string(is_telling);
                    members.push(format!("\"headers\": {{{}: {}}}", quoted(name), self.written(&value)));
                }
                3 => {
                    let value = self.string(is_telling);
                    members.push(format!("{}: {}", quoted(name), self.written(&value)));
                }
                _ => {
                    let value = self.string(is_telling);
                    let again = if self.chance.one_in(10) { ", \"ACME_API_KEY\": \"again\"" } else { "" };
                    let mut env = format!("{}: {}{again}", quoted(name), self.written(&value));
                    if self.chance.one_in(4) {
                        let mention = self.mention();
                        env.push_str(&format!(", \"OTHER\": {}", quoted(&mention)));
                    }
                    members.push(format!("\"env\": {{{env}}}"));
                }
            }
        }
        if self.chance.one_in(25) {
            let mention = self.mention();
            members.push(format!("{}: 1", quoted(&mention)));
        }
        format!("{{{}}}", members.join(", "))
    }

    fn name(&mut self) -> (&'static str, bool) {
        match self.chance.one_in(2) {
            true => (self.chance.pick(&TELLING), true),
            false => (self.chance.pick(&SILENT), false),
        }
    }

    /// Something planted before, in some encoding, in a text.
    fn mention(&mut self) -> String {
        let count = self.secrets.len();
        let value = match count {
            _ if !self.mentions => return "nothing".to_owned(),
            0 => return "nothing yet".to_owned(),
            _ => self.secrets[self.chance.below(count)].0.clone(),
        };
        let value = self.encoded(&value);
        match self.chance.below(4) {
            0 => value,
            1 => format!("use \"{value}\" now"),
            2 => format!("token={value}"),
            _ => format!("x{value}y"),
        }
    }

    fn encoded(&mut self, value: &str) -> String {
        match self.chance.below(9) {
            0 => hex::encode(value),
            1 => STANDARD.encode(value),
            2 => STANDARD.encode(format!("u:{value}")),
            3 => percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string(),
            4 => inner(&quoted(value)),
            _ => value.to_owned(),
        }
    }

    fn secret(&mut self, is_told: bool) -> String {
        if self.chance.one_in(12) {
            // The key is secret, and not what is around it.
            let key = self.block("PRIVATE KEY", "\n");
            let key_in = quoted(&key);
            self.secrets.push((key, is_told));
            return format!(
                "{{\"type\":\"service_account\",\"private_key\":{key_in},\"auth_uri\":\"https://a.example/o\"}}"
            );
        }
        let value = self.value();
        self.secrets.push((value.clone(), is_told));
        value
    }

    fn value(&mut self) -> String {
        let newline = self.chance.pick(&["\n", "\r\n", "\\n", " ", "\n    "]);
        match self.chance.below(11) {
            0 => ["gs", "k_", &self.chance.drawn(LETTERS, 52)].concat(),
            1 => ["sk_", "live_", &self.chance.drawn(LETTERS, 24)].concat(),
            2 => format!("{}a1", self.chance.drawn(b"0123456789abcdef", 38)),
            3 => format!("{}7x", self.chance.drawn(LETTERS, 22)),
            4 => format!("Pw9!{}", self.chance.drawn(LETTERS, 8)),
            5 => {
                let kinds = ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "];
                let kind = self.chance.pick(&kinds);
                self.block(&format!("{kind}PRIVATE KEY"), newline)
            }
            6 => self.block("PGP PRIVATE KEY BLOCK", newline),
            7 => {
                let head = ["PuTTY-User-Key-File", "-3: ssh-ed25519"].concat();
                let key = self.chance.drawn(LETTERS, 48);
                let mac = self.chance.drawn(b"0123456789abcdef", 64);
                let lines = [&head, "Encryption: none", "Comment: me", "Public-Lines: 1", "AAAA", "Private-Lines: 1"];
                format!("{}\n{key}\nPrivate-MAC: {mac}", lines.join("\n"))
            }
            8 => [
                "AKIA",
                &self.chance.drawn(b"ABCDEFGHJKLMNPQRSTUVWXYZ234567", 16),
                ":",
                &self.chance.drawn(LETTERS, 40),
            ]
            .concat(),
            9 => format!("MII{}9x", self.chance.drawn(LETTERS, 300)),
            _ => STANDARD.encode(self.block("PRIVATE KEY", "\n")),
        }
    }

    fn block(&mut self, kind: &str, newline: &str) -> String {
        let mut lines = vec![format!("-----{} {kind}-----", "BEGIN")];
        if self.chance.one_in(4) && newline.starts_with(['\n', '\r']) {
            lines.push("Proc-Type: 4,ENCRYPTED".to_owned());
        }
        for _ in 0..2 + self.chance.below(4) {
            lines.push(format!("{}aZ9", self.chance.drawn(LETTERS, 61)));
        }
        lines.push(format!("{}==", self.chance.drawn(LETTERS, 10)));
        if !self.chance.one_in(6) {
            lines.push(format!("-----{} {kind}-----", "END"));
        }
        lines.join(newline)
    }

    /// The text of a string, with one secret or several.
    fn string(&mut self, is_told: bool) -> String {
        match self.chance.below(18) {
            0 => format!("Bearer {}", self.word(is_told)),
            1 => format!("postgres://u:{}@h/d,postgres://v:{}@h/e", self.word(true), self.word(true)),
            2 => format!("mongodb://u:{}@h1:27017,h2:27017/d?authSource=admin", self.word(true)),
            3 => format!("https://mcp.example.net/mcp?api_key={}&page=2", self.word(true)),
            4 => format!("X-Api-Key: {}\nAuthorization: Bearer {}", self.word(true), self.word(true)),
            5 => format!("api-key={},x-token={}", self.word(true), self.word(true)),
            6 => format!("Server=db;User Id=sa;Password={};Encrypt=true", self.word(true)),
            7 => {
                format!("Endpoint=sb://x.example.net/;SharedAccessKey={};Password={}", self.word(true), self.word(true))
            }
            8 => format!("{{\"token\":{},\"n\":[1,{}]}}", quoted(&self.secret(true)), quoted(&self.secret(false))),
            9 => quoted(&format!("{{\"password\":{}}}", quoted(&self.secret(true)))),
            10 => format!("session={}; csrf_token={}; theme=dark", self.word(is_told), self.word(is_told)),
            11 => format!("{}{}{}", self.secret(is_told), self.chance.pick(&["\n", ",", ":"]), self.secret(is_told)),
            12 => format!("run --token {} --port 1", self.word(true)),
            13 => STANDARD.encode(format!("{{\"api_key\":\"{}\",\"x\":1}}", self.word(is_told))),
            14 => format!("jdbc:sqlserver://h:1433;user=sa;password={}", self.word(true)),
            _ => self.secret(is_told),
        }
    }

    /// A secret that is one word.
    fn word(&mut self, is_told: bool) -> String {
        let value = match self.chance.below(4) {
            0 => ["gs", "k_", &self.chance.drawn(LETTERS, 52)].concat(),
            1 => format!("Pw9{}", self.chance.drawn(LETTERS, 7)),
            _ => format!("{}7x", self.chance.drawn(LETTERS, 22)),
        };
        self.secrets.push((value.clone(), is_told));
        value
    }

    /// A string token in some notation.
    fn written(&mut self, value: &str) -> String {
        let token = quoted(value);
        match self.chance.below(6) {
            0 => token.replace('/', "\\/"),
            1 => token.replacen('e', "\\u0065", 1),
            _ => token,
        }
    }
}

fn quoted(text: &str) -> String {
    let mut token = String::from("\"");
    for char in text.chars() {
        match char {
            '"' => token.push_str("\\\""),
            '\\' => token.push_str("\\\\"),
            '\n' => token.push_str("\\n"),
            '\r' => token.push_str("\\r"),
            other => token.push(other),
        }
    }
    token + "\""
}

fn inner(token: &str) -> String {
    token[1..token.len() - 1].to_owned()
}
