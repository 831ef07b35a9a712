//! The mock API as a process: started with a test, told what to answer, ended with it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use super::{process, tools};

pub(crate) struct Api {
    child: Child,
    line: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    port: u16,
}

impl Api {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(tools::program("node"))
            .arg(tools::scripts().join("mock_api.mjs"))
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let orders = child.stdin.take().expect("piped");
        let mut replies = BufReader::new(child.stdout.take().expect("piped"));
        let port = reply(&mut replies).parse().expect("the mock API prints its port first");
        Self { child, line: Mutex::new((orders, replies)), port }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on every request for a message is answered with status 400.
    pub(crate) fn refuse(&self) {
        self.order("refuse");
    }

    /// How often a message was asked for.
    pub(crate) fn asked(&self) -> u32 {
        self.order("count").parse().expect("a number")
    }

    /// The next message that may use tools uses all of these, each a name and its input.
    pub(crate) fn call(&self, uses: &[(&str, serde_json::Value)]) {
        self.order(&format!("call {}", serde_json::to_string(uses).expect("JSON")));
    }

    /// What the model was told came of them: whether it failed, and the text.
    pub(crate) fn results(&self) -> Vec<(bool, String)> {
        serde_json::from_str(&self.order("results")).expect("a result for each use")
    }

    fn order(&self, word: &str) -> String {
        let mut line = self.line.lock().expect("not poisoned");
        writeln!(line.0, "{word}").expect("the mock API listens");
        reply(&mut line.1)
    }
}

fn reply(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).expect("the mock API answers");
    line.trim().to_owned()
}

impl Drop for Api {
    fn drop(&mut self) {
        process::end(&mut self.child);
    }
}
