//! Names that people give to keys, for settings and addresses that must not hold any.

/// Names of keys, in small letters and digits.
const NAMES: [&str; 7] =
    ["authorization", "bearer", "key", "passwd", "password", "secret", "token"];
/// Ends of longer names. `key` and `token` are not among them: `prompt_cache_key` and `eos_token` are no secrets.
const ENDS: [&str; 12] = [
    "accesskey",
    "accesstoken",
    "apikey",
    "apitoken",
    "authorization",
    "authtoken",
    "bearertoken",
    "clientsecret",
    "password",
    "privatekey",
    "secretkey",
    "subscriptionkey",
];

/// Returns whether something is named as a key is, such as `api_key`, `X-API-Key` or `auth_token`.
///
/// ```
/// use iopo_llm::is_key_name;
///
/// assert!(is_key_name("OPENAI_API_KEY") && is_key_name("auth-token") && is_key_name("key"));
/// assert!(!is_key_name("eos_token") && !is_key_name("max_tokens"));
/// ```
pub fn is_key_name(name: &str) -> bool {
    let plain: String =
        name.to_lowercase().chars().filter(|letter| letter.is_alphanumeric()).collect();
    NAMES.contains(&plain.as_str()) || ENDS.iter().any(|end| plain.ends_with(end))
}
