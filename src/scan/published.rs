//! Keys that are printed in standards, manuals and emulators: they open nothing, and are in thousands of repositories.

/// Exactly these values. What says `EXAMPLE` is known by that.
const PUBLISHED: [&str; 12] = [
    // RFC 6749 and RFC 6750, OAuth 2.0: from section 1.3 on, and section 2.
    "2YotnFZFEjr1zCsicMWpAA",
    "tGzv3JOkF0XG5Qx2TlKWIA",
    "SplxlOBeZQQYbYS6WxSbIA",
    "czZCaGRSa3F0MzpnWDFmQmF0M2JW",
    "mF_9.B5f-4.1JqM",
    "7Fjfp0ZBr1KtDRbnfVdmIw",
    // The storage and the database emulator of Azure: the same on every machine.
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==", // keystencil: allow
    "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==", // keystencil: allow
    // RFC 7519, the end of the token in section 3.1; RFC 7515, in appendix A.1; the debugger of jwt.io, two secrets of
    // it.
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
    "TJVA95OrM7E2cBab30RMHrHDcEfxjoYZgeFONFh7HgQ",
    "XbPfbIHMI6arZ3Y922BhjWgQzWXcXNrz0ogtVhfEd2o",
];

/// Whether a value is such a key, or a token that ends with a published signature.
pub(super) fn is_published(value: &str) -> bool {
    let last = value.rsplit('.').next().filter(|_| value.starts_with("eyJ")).unwrap_or(value);
    let value = value.strip_prefix("AccountKey=").unwrap_or(value);
    PUBLISHED.iter().any(|known| *known == value || *known == last)
}

#[cfg(test)]
mod tests {
    use crate::scan::suspects;

    #[test]
    fn what_standards_and_emulators_print_is_no_finding() {
        let jwt =
            ["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIn0"].join(".");
        for text in [
            "Authorization: Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW".to_owned(),
            "\"refresh_token\":\"tGzv3JOkF0XG5Qx2TlKWIA\"".to_owned(),
            format!("token: {jwt}.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"),
            [
                "Account",
                "Key=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6",
                "IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
            ]
            .concat(),
        ] {
            assert!(suspects(text.as_bytes()).is_empty(), "{text}");
        }
        let other = format!("token: {jwt}.{}", ["SflKxwRJSMeKKF2QT4fwpMeJf36", "POk6yJV_adQssw5d"].concat());
        assert_eq!(suspects(other.as_bytes()).len(), 1);
    }
}
