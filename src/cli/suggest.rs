//! The most similar name.

/// The one of `names` that is nearest to what was typed, if any is near.
pub(super) fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // 0.7 is what clap uses for subcommands and options, so a typo is treated alike everywhere.
    names
        .map(|name| (strsim::jaro(typed, name), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_typo_finds_its_name_and_another_word_none() {
        let names = ["claude", "cursor"];
        assert_eq!(nearest("cluade", names.into_iter()), Some("claude"));
        assert_eq!(nearest("vscode", names.into_iter()), None);
    }
}
