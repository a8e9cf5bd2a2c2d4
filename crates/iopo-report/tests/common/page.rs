//! Checks that a page loads and runs nothing.

/// Markup that makes a browser load or run something.
pub(crate) fn loads_nothing(page: &str) {
    for needle in [
        "<script",
        "<img",
        "<link",
        "<iframe",
        "<object",
        "<embed",
        "@import",
        "url(",
        "javascript:",
    ] {
        assert!(!page.to_lowercase().contains(needle), "expected a page without {needle}");
    }
    for attribute in [" src=", " srcset=", " onerror=", " data="] {
        let tags = page.split('<').filter_map(|rest| rest.split_once('>').map(|tag| tag.0));
        for tag in tags.map(unquoted) {
            assert!(!tag.contains(attribute), "<{tag}> has{attribute}");
        }
    }
    for link in page.split("href=\"").skip(1) {
        assert!(link.starts_with('#'), "expected a link within the page, found {}", &link[..40]);
    }
    assert!(
        !page.contains("http://") && !page.contains("https://"),
        "expected a page without addresses"
    );
}

/// Returns a tag without the values of its attributes.
fn unquoted(tag: &str) -> String {
    tag.split('"').step_by(2).collect()
}
