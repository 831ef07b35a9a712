//! `keystencil headers`.

use crate::cli::context::Context;
use crate::cli::delivering::{Delivered, complain, differs, explained, note, recorded};
use crate::cli::environment::destination;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::consent::record::Entry;
use crate::plan::wrap::For;
use crate::secret::Secret;
use crate::session::Event;
use clap::Args;
use serde_json::Value;
use zeroize::Zeroizing;

/// Print the headers of a server, for a host that asks a helper for them
///
/// The host's config names this command next to the URL and the headers of a
/// server. It prints one JSON object with those headers that have references,
/// filled in. It does so only if you allowed that server, and only for the URL that
/// you saw: the host names the URL in CLAUDE_CODE_MCP_SERVER_URL, and scheme, host,
/// port and path must be the same.
///
/// Nothing else is ever written to standard output. If anything is wrong, nothing
/// is written there; the reason is one line on standard error, and the exit status
/// is 125.
///
/// Example, in the config of a host:
///
///     "headersHelper": "keystencil headers --for claude:/mcpServers/sentry"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct HeadersArgs {
    /// The server: a target of the config and the place in it, as in `claude:/mcpServers/sentry`
    #[arg(long = "for", value_name = "TARGET:POINTER")]
    server: For,
}

pub(in crate::cli) fn run(context: &Context, args: &HeadersArgs) -> Result<Exit, CommandError> {
    let headers = match headers(context, &args.server) {
        Ok(headers) => headers,
        Err(error) => {
            complain(context, &args.server, &error);
            return Ok(Exit::BEFORE_CMD);
        }
    };
    context.report.helper_answer(&headers)?;
    Ok(Exit::Done)
}

fn headers(context: &Context, server: &For) -> Result<Secret, CommandError> {
    let workplace = context.open()?.unattended();
    workplace.session(|session| {
        let recorded = recorded(server, &workplace, session)?;
        let Entry::Reached(reached) = &recorded.server().entry else {
            return Err(CommandError::new("you allowed a command here, not a URL")
                .hint("a server that the host starts gets its secrets through `keystencil run`"));
        };
        reached.compare(destination().as_deref()).map_err(|found| differs(server, &found))?;
        let delivery = session.deliver(&recorded).map_err(|error| explained(server, error))?;
        let mut json = Zeroizing::new(String::from("{"));
        for (index, (name, text)) in reached.headers.iter().enumerate() {
            let value = delivery.fill(text);
            // Whatever stands behind a line break would be a header of its own.
            if value.contains(|c: char| c.is_control() && c != '\t') || name.contains(char::is_control) {
                return Err(CommandError::new(format!(
                    "the value of the header `{name}` has a line break or another control character"
                ))
                .hint("store the secret without it"));
            }
            json.push_str(if index == 0 { "" } else { "," });
            json.push_str(&Value::from(name.as_str()).to_string());
            json.push(':');
            json.push_str(&Zeroizing::new(crate::document::string::encode(&value)));
        }
        json.push('}');
        let delivered = Delivered {
            target: recorded.target(),
            server: Some(&server.pointer),
            program: None,
            delivery: &delivery,
            dropped: Vec::new(),
        };
        note(session, Event::Headers, delivered);
        Ok(Secret::new(std::mem::take(&mut *json)))
    })
}
