//! Invariant 11: a yes holds. What a host notes for itself revokes no grant, and whatever leads a value elsewhere does.

use super::engine::blueprint;
use keystencil::consent::flows;
use keystencil::document::{Document, Pointer};
use keystencil::host::profile::{ClaudeCode, Plain, Profile};
use keystencil::template::Blueprint;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const KEY: &str = "<< keyring('a') >>";

/// A server in the shape of a host, with one slot.
struct Shape {
    name: &'static str,
    profile: &'static dyn Profile,
    document: Value,
    /// Where its server is.
    server: &'static str,
}

fn shapes() -> Vec<Shape> {
    let stdio =
        || json!({"type": "stdio", "command": "npx", "args": ["-y", "good"], "env": {"K": KEY, "REGION": "eu"}});
    let http = || json!({"type": "http", "url": "https://good/mcp", "headers": {"K": KEY, "X-Team": "eu"}});
    let shape = |name, profile, server, document| Shape { name, profile, document, server };
    let claude: &'static dyn Profile = &ClaudeCode;
    vec![
        shape("Claude Code, stdio", claude, "/mcpServers/s", json!({"mcpServers": {"s": stdio()}})),
        shape("Claude Code, http", claude, "/mcpServers/s", json!({"mcpServers": {"s": http()}})),
        shape(
            "Claude Code, a project's",
            claude,
            "/projects/~1src~1proxy/mcpServers/s",
            json!({"projects": {"/src/proxy": {"mcpServers": {"s": stdio()}}}}),
        ),
        shape("Claude Desktop, Cursor", &Plain, "/mcpServers/s", json!({"mcpServers": {"s": stdio()}})),
        shape(
            "Gemini CLI",
            &Plain,
            "/mcpServers/s",
            json!({"mcpServers": {"s": {"httpUrl": "https://good", "headers": {"K": KEY}}}}),
        ),
        shape(
            "Windsurf",
            &Plain,
            "/mcpServers/s",
            json!({"mcpServers": {"s": {"serverUrl": "https://good", "headers": {"K": KEY}}}}),
        ),
        shape("VS Code, mcp.json", &Plain, "/servers/s", json!({"servers": {"s": stdio()}})),
        shape("VS Code, settings", &Plain, "/mcp/servers/s", json!({"mcp": {"servers": {"s": http()}}})),
        shape(
            "opencode",
            &Plain,
            "/mcp/s",
            json!({"mcp": {"s": {"type": "local", "command": ["npx", "good"], "environment": {"K": KEY}}}}),
        ),
        shape(
            "Codex",
            &Plain,
            "/mcp_servers/s",
            json!({"mcp_servers": {"s": {"url": "https://good", "http_headers": {"K": KEY}}}}),
        ),
        shape(
            "Zed",
            &Plain,
            "/context_servers/s",
            json!({"context_servers": {"s": {"command": {"path": "npx", "args": ["good"], "env": {"K": KEY}}}}}),
        ),
        shape("Cline", &Plain, "/mcpServers/s", json!({"mcpServers": {"s": {"transport": stdio()}}})),
        shape(
            "goose",
            &Plain,
            "/extensions/s",
            json!({"extensions": {"s": {"cmd": "npx", "args": ["good"], "envs": {"K": KEY}}}}),
        ),
        shape("Amp", &Plain, "/amp.mcpServers/s", json!({"amp.mcpServers": {"s": stdio()}})),
        shape("nobody's", &Plain, "/tools/s", json!({"tools": {"s": http()}})),
    ]
}

impl Shape {
    fn blueprint(&self) -> Blueprint {
        blueprint(&self.document.to_string())
    }

    /// The grant of the slot; `None` if the slot is not there to be filled.
    fn grant(&self, blueprint: &Blueprint, document: &Value) -> Option<String> {
        let text = document.to_string();
        let document = Document::parse(text.as_bytes()).unwrap();
        let is_state = |member: &Pointer, kind| self.profile.is_state(member, kind);
        flows(&document, blueprint, &is_state).first().map(|flow| flow.grant().hash)
    }

    /// The objects from the root to the one around the server, and what one adds to them.
    fn above(&self) -> Vec<String> {
        let mut above: Vec<String> =
            self.server.match_indices('/').map(|(at, _)| self.server[..at].to_owned()).collect();
        // Between the projects nothing is a setting.
        above.retain(|at| at != "/projects");
        above
    }
}

fn object<'v>(document: &'v mut Value, at: &str) -> &'v mut Map<String, Value> {
    document.pointer_mut(at).and_then(Value::as_object_mut).unwrap()
}

/// What Claude Code 2.1.330 and 2.1.332 write at the root of their config, by the names in the client.
const ROOT: &str = "
    numStartups skillUsage pluginUsage memoryUsageCount promptQueueUseCount btwUseCount queuedCommandUpHintCount
    lspRecommendationIgnoredCount promptSuggestionUnusedStreak tipsHistory tipLifetimeShownCounts
    tipsHistoryByCommand seenNotifications announcementImpressions savedModelSuccessorShown seenSecurityWarnings
    subagentConfigWarningShown subagentConfigChecks subagentConfigClassifierCalls lastShownEmergencyTip
    subscriptionNoticeCount subscriptionUpsellShownCount passesUpsellSeenCount fullscreenUpsellSeenCount
    voiceLangHintShownCount voiceFooterHintSeenCount experimentNoticesSeenCount cachedFeatureFlags
    cachedFeatureFlagsAt cachedGrowthBookFeatures cachedGrowthBookFeaturesAt cachedArtifactRoster
    artifactRosterDenied groveChoiceSeenAt trainingConsentSettledAt unusedLimitResetStatusCache
    apiCreditLinkStatusCache cachedDynamicConfigs cachedExperimentFeatures gitForWindowsLauncher
    powerShellCommandLostAt cachedExperimentData mcpLegacyKeyOwners firstStartTime claudeCodeFirstTokenDate
    startupPrefetchedAt privacyCheckupCache clientDataCacheSlots hostBootstrapSeed additionalModelOptionsCache
    additionalModelOptionsAnsweredAt additionalModelCostsCache installMethod autoUpdates theme verbose
    preferredNotifChannel editorMode hasUsedBackslashReturn diffTool autoConnectIde remoteControlAtStartup
    remoteDialogSeen autoAddRemoteControlDaemonWorker customApiKeyResponses oauthAccount userID githubRepoPaths
    lastOnboardingVersion lastReleaseNotesSeen hasSeenTasksHint claudeInChromeDefaultEnabled workflowSizeGuideline
    changelogLastFetched
";
/// What they write into each project.
const PROJECT: &str = "
    lastCost lastAPIDuration lastAPIDurationWithoutRetries lastToolDuration lastDuration lastStartTime
    lastLinesAdded lastLinesRemoved lastTotalInputTokens lastTotalOutputTokens lastTotalCacheCreationInputTokens
    lastTotalCacheReadInputTokens lastTotalWebSearchRequests lastFpsAverage lastFpsLow1Pct lastSessionId
    lastGracefulShutdown lastVersionBase lastModelUsage lastSessionMetrics exampleFiles exampleFilesGeneratedAt
    hasClaudeMdExternalIncludesWarningShown history projectOnboardingSeenCount hasCompletedProjectOnboarding
    devIntentsDetected allowedTools mcpContextUris enabledMcpjsonServers disabledMcpjsonServers
    hasTrustDialogAccepted activeWorktreeSession
";

/// Settings that lead a value elsewhere, as hosts call them.
const LEADING: &str = "
    proxy http.proxy httpProxy HTTP_PROXY https_proxy ALL_PROXY proxyUrl httpsproxy baseURL base_url baseurl
    apiBase api_base ANTHROPIC_BASE_URL endpoint apiEndpoint gateway gatewayUrl host hostname serverAddress
    server domain url URI command serverCommand apiKeyHelper headersHelper awsAuthHelper otelHeadersHelper
    http_headers_helper envFile
";

/// What stands for one piece of state: a counter, a version, a list, a map of anything.
fn noted() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just("2.1.332"),
        Just("https://docs.example/tips"),
        Just("/home/u/.claude"),
        Just("proxy"),
        Just("2026-11-30T22:00:00Z"),
    ];
    let leaf = prop_oneof![
        any::<u32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        text.prop_map(Value::from)
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let name = prop::sample::select(vec!["command", "url", "env", "proxy", "server-2", "https://x", "tipId"]);
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((name, inner), 0..3)
                .prop_map(|all| Value::Object(all.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

/// Names that nobody has written yet, of words that lead and words that do not.
fn unwritten() -> impl Strategy<Value = String> {
    let word =
        prop::sample::select(vec!["Command", "Url", "Server", "Proxy", "Base", "Tip", "Hint", "Mcp", "Uris", "Helper"]);
    (prop::sample::select(vec!["queued", "tips", "last", "seen", "mcp", "some"]), vec(word, 1..4))
        .prop_map(|(first, words)| first.to_owned() + &words.concat())
}

#[test]
fn invariant_11_each_name_that_claude_code_writes_revokes_nothing_whatever_stands_there() {
    let values = [
        "\"2.1.332\"",
        "\"https://x\"",
        "7",
        "true",
        "null",
        "[\"command\"]",
        "{\"url\": \"https://x\", \"env\": {\"A\": \"b\"}}",
    ];
    for shape in shapes().iter().filter(|shape| shape.profile.name() == "claude-code") {
        let (blueprint, project) = (shape.blueprint(), shape.server.starts_with("/projects"));
        let (names, at) = if project { (PROJECT, "/projects/~1src~1proxy") } else { (ROOT, "") };
        for name in names.split_whitespace() {
            for value in values {
                let mut document = shape.document.clone();
                object(&mut document, at).insert(name.to_owned(), serde_json::from_str(value).unwrap());
                let (now, before) = (shape.grant(&blueprint, &document), shape.grant(&blueprint, &shape.document));
                assert_eq!(now, before, "{}: {name}: {value}", shape.name);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn invariant_11_what_claude_code_notes_for_itself_revokes_nothing(
        root in vec((prop::sample::select(ROOT.split_whitespace().collect::<Vec<_>>()), noted()), 0..6),
        project in vec((prop::sample::select(PROJECT.split_whitespace().collect::<Vec<_>>()), noted()), 0..6),
        more in vec((unwritten(), noted().prop_filter("a setting may be a string", |value| !value.is_string())), 0..4),
        others in vec(prop::sample::select(vec!["/src/server", "/home/u/database", "/x/env"]), 0..3),
    ) {
        for shape in shapes().iter().filter(|shape| shape.profile.name() == "claude-code") {
            let blueprint = shape.blueprint();
            let mut document = shape.document.clone();
            let all = root.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).chain(more.iter().cloned());
            object(&mut document, "").extend(all.clone());
            if shape.server.starts_with("/projects") {
                let project = project.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).chain(more.iter().cloned());
                object(&mut document, "/projects/~1src~1proxy").extend(project);
                let others = others.iter().map(|name| ((*name).to_owned(), json!({"lastVersionBase": "1", "env": {"A": "b"}})));
                object(&mut document, "/projects").extend(others);
            }
            prop_assert_eq!(shape.grant(&blueprint, &document), shape.grant(&blueprint, &shape.document), "{}: {}", shape.name, document);
        }
    }

    #[test]
    fn invariant_11_another_server_takes_nothing_back_whatever_it_is_called(
        names in vec(prop::sample::select(vec![
            "supabase", "database", "localhost", "server", "server-2", "proxy", "my-proxy", "url", "env", "headers", "inputs",
            "gateway", "apiKeyHelper", "http.proxy", "baseUrl", "command-runner", "mcp",
        ]), 1..6),
    ) {
        for shape in shapes().iter().filter(|shape| shape.name != "nobody's") {
            let blueprint = shape.blueprint();
            let mut document = shape.document.clone();
            let (container, _) = shape.server.rsplit_once('/').unwrap();
            let server = json!({"command": "npx", "args": ["other"], "env": {"NODE_OPTIONS": "-r x"}, "url": "https://other"});
            object(&mut document, container).extend(names.iter().map(|name| ((*name).to_owned(), server.clone())));
            prop_assert_eq!(shape.grant(&blueprint, &document), shape.grant(&blueprint, &shape.document), "{}: {}", shape.name, document);
        }
    }
}

#[test]
fn invariant_11_versions_lists_and_counters_revoke_nothing_in_a_file_of_any_host() {
    for shape in shapes() {
        let blueprint = shape.blueprint();
        for (name, value) in [
            ("tipsHistoryByCommand", json!({"a": 1})),
            ("queuedCommandUpHintCount", json!(3)),
            ("seenSecurityWarnings", json!(["x"])),
            ("lastVersionBase", json!("2.1.332")),
            ("enabledMcpjsonServers", json!(["a"])),
            ("disabledMcpjsonServers", json!([])),
            ("mcpContextUris", json!(["file:///x"])),
            ("$version", json!(4)),
            ("chat.mcp.serverSampling", json!({"s": {"allowedModels": ["x"]}})),
            ("theme", json!("dark")),
        ] {
            for at in shape.above() {
                let mut document = shape.document.clone();
                object(&mut document, &at).insert(name.to_owned(), value.clone());
                let granted = shape.grant(&blueprint, &shape.document);
                assert_eq!(shape.grant(&blueprint, &document), granted, "{document}");
            }
        }
    }
}

/// Everything that differs from a value in one place: another string, one more or less, another order, another kind.
fn mutations(value: &Value, of_slot: &dyn Fn(&str) -> bool, at: &str, all: &mut Vec<(String, Option<Value>)>) {
    const HARMLESS: [&str; 3] = ["disabled", "description", "timeout"];
    let mut put = |value: Value| all.push((at.to_owned(), Some(value)));
    match value {
        Value::String(text) => {
            for other in [
                format!("{text}x"),
                format!("x{text}"),
                text.replace("good", "evil"),
                text.to_uppercase(),
                String::new(),
            ] {
                if other != *text {
                    put(Value::from(other));
                }
            }
            put(json!([text, "--require=/tmp/evil.js"]));
            put(json!({"path": text}));
            put(Value::Null);
            all.push((at.to_owned(), None));
        }
        Value::Array(items) => {
            for place in 0..=items.len() {
                for more in ["--require=/tmp/evil.js", "-e", "https://evil"] {
                    let mut longer = items.clone();
                    longer.insert(place, Value::from(more));
                    put(Value::from(longer));
                }
            }
            for place in 0..items.len() {
                let mut shorter = items.clone();
                shorter.remove(place);
                put(Value::from(shorter));
            }
            if items.len() > 1 {
                put(items.iter().rev().cloned().collect());
            }
            for (index, item) in items.iter().enumerate() {
                mutations(item, of_slot, &format!("{at}/{index}"), all);
            }
        }
        Value::Object(members) => {
            for name in [
                "NODE_OPTIONS",
                "LD_PRELOAD",
                "HTTPS_PROXY",
                "url",
                "baseUrl",
                "command",
                "Command",
                "args",
                "cwd",
                "envFile",
                "httpUrl",
                "serverUrl",
                "headersHelper",
                "Host",
                "env",
                "transport",
                "bearer_token_env_var",
            ] {
                for value in [json!("https://evil"), json!(["evil"]), json!({"path": "evil", "url": "https://evil"})] {
                    if !members.contains_key(name) {
                        all.push((format!("{at}/{name}"), Some(value)));
                    }
                }
            }
            for (name, value) in members.iter().filter(|(name, _)| !HARMLESS.contains(&name.as_str())) {
                let at = format!("{at}/{name}");
                if !of_slot(&at) {
                    mutations(value, of_slot, &at, all);
                }
            }
        }
        _ => all.push((at.to_owned(), None)),
    }
}

#[test]
fn invariant_11_whatever_leads_a_value_elsewhere_is_asked_anew_in_the_shape_of_every_host() {
    let mut tried = 0;
    for shape in shapes() {
        let blueprint = shape.blueprint();
        let granted = shape.grant(&blueprint, &shape.document).unwrap();
        let slot = blueprint.slots[0].pointer.as_str().to_owned();
        let mut all = Vec::new();
        mutations(shape.document.pointer(shape.server).unwrap(), &|at| at == slot, shape.server, &mut all);
        for at in shape.above() {
            for name in LEADING.split_whitespace() {
                all.push((format!("{at}/{name}"), Some(json!("http://evil:8080"))));
                all.push((format!("{at}/{name}"), Some(json!(format!("x {KEY}")))));
            }
            // A member of a container that is an object is another server, and never a setting.
            let is_container = shape.server.rsplit_once('/').is_some_and(|(container, _)| container == at);
            for name in ["env", "environment", "headers", "inputs", "Env", "HEADERS", "requestInit"] {
                all.push((format!("{at}/{name}"), Some(json!(["evil"]))));
                if !is_container || shape.name == "nobody's" {
                    all.push((format!("{at}/{name}"), Some(json!({"NODE_OPTIONS": "--require=/tmp/evil.js"}))));
                }
            }
            if shape.profile.name() == "plain" && !is_container {
                for name in
                    ["proxy", "proxies", "httpProxy", "endpoints", "gateway", "apiKeyHelper", "baseUrls", "hosts"]
                {
                    all.push((format!("{at}/{name}"), Some(json!({"http": "http://evil"}))));
                    all.push((format!("{at}/{name}"), Some(json!(["http://evil"]))));
                }
                all.push((format!("{at}/proxyPort"), Some(json!(8080))));
                all.push((format!("{at}/http.proxyStrictSSL"), Some(json!(false))));
            }
        }
        for (at, value) in all {
            let (object_at, name) = at.rsplit_once('/').unwrap();
            let mut document = shape.document.clone();
            match document.pointer_mut(object_at).unwrap() {
                Value::Object(members) => match value {
                    Some(value) => drop(members.insert(name.to_owned(), value)),
                    None => drop(members.remove(name)),
                },
                Value::Array(items) => match (name.parse::<usize>().unwrap(), value) {
                    (index, Some(value)) => items[index] = value,
                    (index, None) => drop(items.remove(index)),
                },
                other => panic!("{at} in {other}"),
            }
            tried += 1;
            let now = shape.grant(&blueprint, &document);
            assert_ne!(now.as_ref(), Some(&granted), "{}, {at}: {document}", shape.name);
        }
    }
    assert!(tried > 3_000, "{tried}");
}

#[test]
fn invariant_11_another_secret_or_another_place_is_asked_anew() {
    for shape in shapes() {
        let granted = shape.grant(&shape.blueprint(), &shape.document);
        for (old, new) in
            [("keyring('a')", "keyring('b')"), ("\"K\":", "\"L\":"), ("\"s\":", "\"t\":"), (KEY, "x<< keyring('a') >>")]
        {
            let text = shape.document.to_string().replace(old, new);
            let other = blueprint(&text);
            assert_ne!(shape.grant(&other, &serde_json::from_str(&text).unwrap()), granted, "{text}");
        }
    }
}
