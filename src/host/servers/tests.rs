//! Names of settings and servers, as hosts write them.

use super::*;

#[test]
fn names_are_taken_word_by_word() {
    for name in [
        "proxy",
        "http.proxy",
        "httpProxy",
        "HTTPS_PROXY",
        "httpsproxy",
        "HTTPSproxy",
        "baseURL",
        "baseUrl",
        "baseurl",
        "base_url",
        "api-base",
        "apiBaseUrl",
        "OPENAI_API_BASE",
        "endpoint",
        "endpoint2",
        "serverAddress",
        "hostname",
        "apiKeyHelper",
        "http.proxy.url",
        "gateway",
        "domain",
        "server",
        "command",
        "subdomain",
        "basePath",
        "url2",
    ] {
        assert!(may_lead(name, Kind::String), "{name}");
    }
    for name in [
        "supabase",
        "database",
        "localhost",
        "securityWarnings",
        "seenSecurityWarnings",
        "curl",
        "hosting",
        "reporter",
        "observer",
        "commander",
        "baseline",
        "lastVersionBase",
        "",
        "...",
        "theme",
        "importance",
        "has_seen_url",
    ] {
        assert!(!may_lead(name, Kind::String), "{name}");
    }
}

#[test]
fn lists_objects_and_counters_lead_only_if_they_are_called_like_what_does() {
    for name in ["proxy", "proxies", "httpProxy", "endpoints", "env", "inputs", "headers", "network.proxy", "baseUrls"]
    {
        assert!(may_lead(name, Kind::Object) && may_lead(name, Kind::Array), "{name}");
    }
    for name in [
        "tipsHistoryByCommand",
        "enabledMcpjsonServers",
        "disabledMcpjsonServers",
        "mcpContextUris",
        "servers",
        "server-2",
        "knownHosts",
        "queuedCommandUpHintCount",
        "chat.mcp.serverSampling",
    ] {
        assert!(!may_lead(name, Kind::Object) && !may_lead(name, Kind::Array), "{name}");
    }
    assert!(may_lead("proxyPort", Kind::Number) && may_lead("http.proxyStrictSSL", Kind::Bool));
    assert!(!may_lead("queuedCommandUpHintCount", Kind::Number) && !may_lead("serverCount", Kind::Number));
    assert!(!may_lead("hasSeenProxyHint", Kind::Bool) && !may_lead("proxy", Kind::Null));
}

#[test]
fn the_server_of_a_place_is_the_outermost_one() {
    let ends = |pointer: &str| {
        let pointer = crate::document::Pointer::parse(pointer).unwrap_or_default();
        server_ends(&pointer.tokens().collect::<Vec<_>>())
    };
    assert_eq!(ends("/mcpServers/a/env/K"), Some(2));
    assert_eq!(ends("/mcp/servers/a/env/K"), Some(3));
    assert_eq!(ends("/mcp/a/environment/K"), Some(2));
    assert_eq!(ends("/projects/servers/mcpServers/a/env/K"), Some(4));
    assert_eq!(ends("/amp.mcpServers/a/servers/b/env/K"), Some(2));
    assert_eq!(ends("/mcpServers/a"), None);
    assert_eq!(ends("/env/K"), None);
}
