//! Variables that steer the programs which get them: what is loaded, run, or asked, whatever the command line says.
//!
//! Asked by [`crate::consent`] about what a template brings into an environment. One table; no other file may keep such
//! a list. Names are compared without regard to case: Windows does not know any, and `http_proxy` is as good as
//! `HTTP_PROXY`.

/// How names begin.
const STARTS: [&str; 71] = [
    // Loaders and shells.
    "LD_",
    "DYLD_",
    "GCONV_PATH",
    "GLIBC_",
    "MALLOC_",
    "BASH_",
    "ZDOTDIR",
    "PROMPT_COMMAND",
    "FPATH",
    "PERL",
    "PYTHON",
    "RUBY",
    "GEM_",
    "BUNDLE_",
    "LUA_",
    "PHP",
    "NODE_",
    "DENO_",
    "BUN_",
    "ELECTRON_",
    "JAVA_",
    "JDK_",
    "_JAVA_",
    "CLASSPATH",
    "MAVEN_",
    "GRADLE_",
    "DOTNET_",
    "COR_",
    "CORECLR_",
    "MONO_",
    "ERL_",
    "R_",
    "JULIA_",
    "GOPROXY",
    "GOFLAGS",
    "GOPATH",
    "GOROOT",
    "GOBIN",
    "GOENV",
    "GOTOOLCHAIN",
    "GONO",
    "GOSUMDB",
    "GOPRIVATE",
    "CARGO_",
    "RUST",
    // What gets and builds packages.
    "NPM_",
    "YARN_",
    "PNPM_",
    "COREPACK_",
    "UV_",
    "PIP_",
    "PIPX_",
    "POETRY_",
    "CONDA_",
    "VIRTUAL_ENV",
    "PYENV_",
    "ASDF_",
    "MISE_",
    "NIX_",
    "HOMEBREW_",
    // What they call for help, and where they find settings.
    "GIT_",
    "SSH_",
    "DOCKER_",
    "KUBECONFIG",
    "AWS_CONFIG",
    "XDG_",
    "OPENSSL_",
    "QT_",
    "GTK_",
    "KEYSTENCIL_",
    "CLAUDE_",
];
/// Whole names.
const NAMES: [&str; 28] = [
    "ENV",
    "PATH",
    "PATHEXT",
    "COMSPEC",
    "SHELL",
    "SHELLOPTS",
    "PS4",
    "IFS",
    "HOME",
    "USERPROFILE",
    "APPDATA",
    "TMPDIR",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "MANPAGER",
    "LESSOPEN",
    "LESSCLOSE",
    "BROWSER",
    "SUDO_ASKPASS",
    "TERMINFO",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "CURL_HOME",
    "WGETRC",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
];

/// Whether a variable of this name steers a program.
///
/// ```
/// use keystencil::consent::steering::steers;
/// assert!(steers("NODE_OPTIONS") && steers("LD_PRELOAD") && steers("https_proxy") && steers("npm_config_registry"));
/// assert!(!steers("GITHUB_TOKEN") && !steers("REGION"));
/// ```
#[must_use]
pub fn steers(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    NAMES.contains(&name.as_str())
        || STARTS.iter().any(|start| name.starts_with(start))
        || name.ends_with("_PROXY")
        || name == "PROXY"
}

#[cfg(test)]
mod tests {
    use super::steers;

    #[test]
    fn what_steers_programs_is_known_and_settings_of_services_are_not() {
        for name in [
            "LD_PRELOAD",
            "DYLD_INSERT_LIBRARIES",
            "NODE_OPTIONS",
            "PYTHONSTARTUP",
            "PYTHONPATH",
            "PERL5OPT",
            "RUBYOPT",
            "JAVA_TOOL_OPTIONS",
            "_JAVA_OPTIONS",
            "GIT_SSH_COMMAND",
            "BASH_ENV",
            "BASH_FUNC_x%%",
            "npm_config_registry",
            "UV_INDEX_URL",
            "PIP_INDEX_URL",
            "HTTPS_PROXY",
            "all_proxy",
            "Path",
            "GOPROXY",
            "KEYSTENCIL_CONFIG",
            "CLAUDE_CODE_PROCESS_WRAPPER",
            "XDG_CONFIG_HOME",
            "SSL_CERT_FILE",
            "NODE_EXTRA_CA_CERTS",
        ] {
            assert!(steers(name), "{name}");
        }
        for name in [
            "GITHUB_TOKEN",
            "OPENAI_API_KEY",
            "REGION",
            "LOG_LEVEL",
            "AWS_REGION",
            "DATABASE_URL",
            "SLACK_TEAM_ID",
            "LANG",
            "DEBUG",
        ] {
            assert!(!steers(name), "{name}");
        }
    }
}
