//! Templates that exceed a limit fail with an error that names it, and templates just within the limit render.

use iopo_jinja::{Date, ErrorKind, Template};
use serde_json::{Map, json};

/// Renders a template without variables. The error is the message.
fn render(source: &str) -> Result<String, String> {
    let made = Template::new(source)
        .and_then(|template| template.render(&Map::new(), Date::default()))
        .map_err(|error| error.to_string())?;
    Ok(made.text)
}

/// Asserts that `source` is refused with a reason that contains `part`.
fn refused(source: &str, part: &str) {
    let start: String = source.chars().take(120).collect();
    match render(source) {
        Err(reason) => assert!(reason.contains(part), "{start}: {reason}"),
        Ok(text) => panic!("{start}: rendered {} bytes, expected an error", text.len()),
    }
}

fn renders(source: &str, expected: &str) {
    let start: String = source.chars().take(120).collect();
    assert_eq!(render(source).as_deref(), Ok(expected), "{start}");
}

const STEPS: &str = "too many steps or too much memory";

#[test]
fn templates_that_ask_for_too_much_end_with_an_error() {
    for source in [
        "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
        "{% set n = namespace(s='x') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s }}",
        "{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = n.l + n.l %}{% endfor %}{{ n.l }}",
        "{{ 'x' * 99999999999 }}",
        "{{ '%99999999999d' % 1 }}{{ '%.99999999999f' % 1.5 }}",
        "{{ '{:>99999999999}'.format(1) }}",
        "{{ 'x'.center(99999999999) }}",
        "{{ 'a\tb'.expandtabs(99999999999) }}",
        "{{ 'x' | indent(99999999999) }}",
        "{{ [1] | tojson(indent=99999999999) }}",
        "{{ [1] | batch(99999999999, 0) | list }}{{ [1] | slice(99999999999) | list }}",
        "{{ 10 ** 99999 }}",
        "{{ 'a' | map(*(['map'] * 5000)) | list }}",
        "{{ [[[[1]]]] | tojson(indent=9999999) }}",
        "{{ ('x\n' * 100000) | wordwrap(5, true, 'y' * 100000) }}",
        "{{ range(-170141183460469231731687303715884105727 - 1, 0) }}",
        "{{ 'abc' | truncate(170141183460469231731687303715884105727, leeway=170141183460469231731687303715884105727).x.y }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}",
        "{% for i in range(999999999) %}{% endfor %}",
        "{{ lipsum(99999999999) }}",
        "{{ messages.append(1) }}",
        "{{ {}.update({}) }}",
        "{{ ''.__class__.__mro__ }}",
        "{% include 'x' %}",
        "{{ 1 / 0 }}{{ nothing.attribute }}",
    ] {
        assert!(render(source).is_err(), "{source}");
    }
}

/// Nests a value in `levels` containers, one after another.
fn nested(levels: usize, container: &str, then: &str) -> String {
    format!(
        "{{% set n = namespace(x=[]) %}}{{% for i in range({levels}) %}}\
         {{% set n.x = {container} %}}{{% endfor %}}{then}"
    )
}

#[test]
fn deep_values_are_refused() {
    for container in [
        "[n.x]",
        "(n.x,)",
        "{'a': n.x}",
        "dict(a=n.x)",
        "dict.fromkeys(['a'], n.x)",
        "[n.x] + []",
        "[1] | batch(2, n.x) | list",
        "[[n.x]] | map('first') | list | map(attribute='0') | batch(1) | list",
        "cycler(n.x)",
        "joiner(n.x)",
        "[{'a': n.x}] | groupby('a', case_sensitive=true) | first if i < 0 else [n.x]",
    ] {
        refused(&nested(100_000, container, "{{ n.x is defined }}"), "deeper than 256 levels");
    }
    refused(&nested(300, "[n.x]", "{{ n.x }}"), "deeper than 256 levels");
    // Values at the maximum depth can be written, compared, copied and sorted.
    let deep = nested(
        250,
        "[n.x]",
        "{{ n.x | string | length }} {{ n.x == n.x }} {{ n.x | tojson == n.x | string }}",
    );
    renders(&deep, "502 True True");
    let deep = nested(
        250,
        "{'a': n.x}",
        "{{ n.x == n.x.copy() }} {{ [n.x, n.x] | map('string') | unique | list | length }}",
    );
    renders(&deep, "True 1");
    renders(
        &nested(250, "[n.x]", "{{ [n.x, n.x] | sort | length }} {{ n.x | pprint | length }}"),
        "2 502",
    );
}

#[test]
fn deep_values_fit_the_stack_of_deep_macros() {
    let at = |levels: usize| {
        let macros = "{% macro m(k, x) %}{{ m(k - 1, x) if k else ((x | tojson) ~ x ~ (x == x)) | length }}{% endmacro %}";
        let print = format!("{{{{ m({levels}, n.x) }}}}");
        render(&(macros.to_owned() + &nested(250, "[n.x]", &print)))
    };
    assert_eq!(at(10).as_deref(), Ok("1008"));
    let refused = (11..200).find_map(|levels| at(levels).err()).expect("too many levels");
    assert!(refused.contains("nested evaluations"), "{refused}");
}

#[test]
fn deep_variables_are_refused() {
    let nested = |levels: usize| {
        let mut value = json!([]);
        for _ in 1..levels {
            value = json!([value]);
        }
        let variables = Map::from_iter([("x".to_owned(), value)]);
        let template = Template::new("{{ x | string | length }}").expect("a template");
        template.render(&variables, Date::default()).map(|made| made.text)
    };
    let error = nested(1000).expect_err("too deep");
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert_eq!(nested(250).expect("allowed"), "500");
}

#[test]
fn cycles_are_refused() {
    let reason = "would hold itself";
    for value in [
        "n",
        "[n]",
        "{'a': [1, (n,)]}",
        "{n: 1}",
        "m",
        "[n].index",
        "{'a': n}.items()",
        "cycler(n)",
        "joiner(n)",
        "[n] | map('list') if false else [n] | select",
    ] {
        refused(
            &format!(
                "{{% set n = namespace() %}}{{% set m = namespace(x=[n]) %}}{{% set n.a = {value} %}}"
            ),
            reason,
        );
    }
    refused("{% for x in [1, 2] %}{{ loop.changed([loop]) }}{% endfor %}", reason);
    refused("{% set n = namespace() %}{% for x in [n] %}{% set n.a = loop %}{% endfor %}", reason);
    // Namespaces can contain namespaces.
    renders(
        "{% set a = namespace(x=1) %}{% set b = namespace() %}{% set b.a = [a, a] %}{% set a.x = 2 %}\
         {{ b.a[1].x }}{% set b.b = namespace(a=b.a) %}{{ b.b.a[0].x }}{{ b }}",
        "22<Namespace {'a': [<Namespace {'x': 2}>, <Namespace {'x': 2}>], 'b': <Namespace {'a': [<Namespace {'x': 2}>, <Namespace {'x': 2}>]}>}>",
    );
    renders("{% for x in [1, 1] %}{{ loop.changed([x]) }}{% endfor %}", "TrueFalse");
    renders(
        "{% set n = namespace() %}{% for x in [1] %}{% set n.l = loop %}{% endfor %}{{ n.l.index }}",
        "1",
    );
}

#[test]
fn long_chains_of_namespaces_are_dropped() {
    let chain = |levels: usize, then: &str| {
        format!(
            "{{% set top = namespace() %}}{{% set n = namespace(at=top) %}}{{% for i in range({levels}) %}}\
             {{% set next = namespace() %}}{{% set at = n.at %}}{{% set at.next = [next] %}}{{% set n.at = next %}}{{% endfor %}}{then}"
        )
    };
    renders(&chain(50_000, "{{ top.next | length }}"), "1");
    refused(&chain(50_000, "{{ top }}"), "deeper than 256 levels");
    renders(&chain(100, "{{ top | string | length > 100 }}"), "True");
}

/// Doubles a value by sharing.
fn shared(times: usize, then: &str) -> String {
    nested(times, "[n.x, n.x]", then)
}

#[test]
fn shared_values_are_charged_where_they_are_read() {
    for then in [
        "{{ n.x }}",
        "{{ n.x == n.x }}",
        "{{ n.x < n.x }}",
        "{{ n.x | string | length }}",
        "{{ n.x ~ 'a' }}",
        "{{ '%s' % [n.x] }}",
        "{{ '{}'.format(n.x) }}",
        "{{ n.x | pprint | length }}",
        "{{ n.x | tojson | length }}",
        "{{ [n.x] | join | length }}",
        "{{ [n.x].index([n.x]) }}",
        "{{ n.x in [n.x, 1] }}",
        "{{ [n.x, n.x] | sort | length }}",
        "{{ [n.x, n.x] | groupby('0') | length }}",
        "{{ n.x is eq n.x }}",
        "{{ n.x is lower }}",
        "{{ n.x | upper | length }}",
        "{{ {'a': n.x} | urlencode | length }}",
        "{{ {'a': n.x} | xmlattr | length }}",
        "{% for y in [1, 2] %}{{ loop.changed(n.x) }}{% endfor %}",
    ] {
        let found = render(&shared(40, then));
        assert!(
            found.as_ref().is_err_and(|reason| reason.contains(STEPS) || reason.contains("bytes")),
            "{then}: {found:?}"
        );
    }
    renders(&nested(40, "(n.x, n.x)", "{{ 'never read' }}"), "never read");
    refused(&nested(40, "(n.x, n.x) if n.x else (1,)", "{{ {n.x: 1} }}"), STEPS);
    renders(&shared(8, "{{ n.x == n.x }} {{ n.x | string | length }}"), "True 1532");
}

#[test]
fn quadratic_work_is_charged_or_linear() {
    for source in [
        "{{ range(90000) | map(attribute='real.' * 90000 ~ 'real') | list | length }}",
        "{{ range(90000) | sort(attribute='real,' * 90000 ~ 'real') | list | length }}",
        "{{ dict.fromkeys(range(100000)) | length }}",
        "{{ 'abc'.maketrans(('abcdefghij' * 5000), ('abcdefghij' * 5000), '') | length if false else dict.fromkeys(range(90000)) | length }}",
        "{{ ('x' * 400000).translate(dict.fromkeys(range(1000), 1)) | length }}",
        "{% for i in range(90000) %}{{ ('a' * 1000000)[i] }}{% endfor %}",
        "{% set t = 'a' * 8000000 %}{% for i in range(90000) %}{{ t is lower }}{% endfor %}",
        "{% set t = 'a' * 8000000 %}{% for i in range(90000) %}{{ 'b' in t }}{% endfor %}",
        "{% set t = 'a' * 8000000 %}{% for i in range(90000) %}{{ t[3:5] }}{% endfor %}",
        "{% set t = ('%(a).0s' * 1000000) %}{% for i in range(90000) %}{{ t % {'a': 1} }}{% endfor %}",
        "{% set t = ('a' * 500) %}{% for i in range(90000) %}{{ '{:0200000,}'.format(i) }}{% endfor %}",
        "{% for c in 'a' * 8000000 %}{{ c }}{% endfor %}",
        "{{ ('a' * 16000000) | list | length }}",
        "{{ ('a ' * 8000000).split() | length }}",
        "{{ ('a' * 16000000).encode() | list | length }}",
        "{{ ([('a' * 1000000)] * 1000) | string | length }}",
        "{{ ([('k', 'a' * 1000000)] * 1000) | urlencode | length }}",
        "{{ ('www.a.com ' * 200000) | urlize(rel='x' * 1000) | length }}",
    ] {
        assert!(render(source).is_err(), "{source}");
    }
    let variables: Vec<String> = (0..60_000).map(|index| format!("{{%set a{index}=1%}}")).collect();
    refused(&variables.concat(), STEPS);
    for (source, expected) in [
        ("{{ ('<' * 100000 ~ '>' * 100000) | striptags | length }}", "99999"),
        ("{{ ('<!-- x -->' * 100000) | striptags | length }}", "0"),
        ("{{ ('<!' * 100000 ~ '<!-- x -->' * 10) | striptags | length }}", "200000"),
        ("{{ ('x' * 200000) | wordwrap(1) | length }}", "399999"),
        ("{{ ('-' * 200000 ~ 'a') | wordwrap(79) | length > 200000 }}", "True"),
        ("{{ ('a' * 1000000).strip('b' * 1000000 ~ 'a') | length }}", "0"),
        ("{{ ('www.a.com' ~ '(' * 50000 ~ ')' * 50000) | urlize | length > 100000 }}", "True"),
        ("{{ range(90000) | map(attribute='a' * 1000000) | list | length }}", "90000"),
        ("{{ '{:01000000,}'.format(1) | length }}", "1000001"),
        ("{{ ('a' * 1000000) | first }}{{ ('a' * 1000000 ~ 'b') | last }}", "ab"),
        ("{{ 99999 in range(100000) }}{{ range(100000) | list | length }}", "True100000"),
        ("{{ dict.fromkeys(range(500)) | length }}", "500"),
        ("{{ 'abc'.translate('abc'.maketrans('ab', 'xy', 'c')) }}", "xy"),
        ("{% for c in 'a' * 50000 %}{{ c }}{% endfor %}", &"a".repeat(50_000)),
    ] {
        renders(source, expected);
    }
}

#[test]
fn long_chains_and_deep_brackets_are_refused() {
    let deep = |open: &str, close: &str| open.repeat(100_000) + "1" + &close.repeat(100_000);
    for source in [
        deep("{{ (", ") }}"),
        format!("{{{{ {} }}}}", deep("(", ")")),
        format!("{{{{ {} }}}}", deep("[", "]")),
        format!("{{{{ {}1 }}}}", "not ".repeat(100_000)),
        format!("{{{{ {}1 }}}}", "-".repeat(100_000)),
        format!("{{{{ x{} }}}}", ".a".repeat(100_000)),
        format!("{{{{ x{} }}}}", "|abs".repeat(100_000)),
        format!("{{{{ x{} }}}}", "(1)".repeat(100_000)),
        format!("{{{{ x{} }}}}", "[1]".repeat(100_000)),
        format!("{{{{ x|a{} }}}}", ".a".repeat(100_000)),
        format!("{{{{ x is a{} }}}}", ".a".repeat(100_000)),
        format!("{{{{ {}1 }}}}", "1 if 1 else ".repeat(100_000)),
        format!("{{{{ 1{} }}}}", " if 1".repeat(100_000)),
        format!("{{% filter a{} %}}{{% endfilter %}}", "|a".repeat(100_000)),
        "{% if 1 %}".repeat(50_000),
        "{% for %}".to_owned(),
        "{{ 'open".to_owned(),
        "{% raw %}".to_owned(),
        "{#".to_owned(),
    ] {
        assert!(Template::new(&source).is_err(), "{}", &source[..20]);
    }
    let error = |source: &str| Template::new(source).expect_err("too long").to_string();
    assert!(error(&format!("{{{{ x{} }}}}", ".a".repeat(101))).contains("100 operations"));
    // Chains in the arguments of chains.
    let inner = format!("x{}(", ".a".repeat(90));
    let source = format!("{{{{ {}1{} }}}}", inner.repeat(30), ")".repeat(30));
    assert!(error(&source).contains("2000 operations"));
    renders(&format!("{{{{ 1{} }}}}", ".real".repeat(99)), "1");
    renders(&format!("{{{{ [{}] | sum }}}}", "1|abs,".repeat(1500)), "1500");
    // Long chains of one precedence are flat.
    renders(&format!("{{{{ {}1 }}}}", "1 + ".repeat(20_000)), "20001");
}

#[test]
fn integers_beyond_127_bits_are_named() {
    for source in [
        "{{ 99999999999999999999999999999999999999999 }}",
        "{{ 0xffffffffffffffffffffffffffffffffffffffff }}",
        "{{ 2 ** 200 }}",
        "{{ 10 ** 30 * 10 ** 30 }}",
        "{{ ('9' * 50) | int }}",
        "{{ '1e40' | int }}",
        "{{ 1e40 | int }}",
        "{{ '%d' % 1e40 }}",
        "{{ (-2) ** 127 - 1 }}",
    ] {
        refused(source, "beyond 127 bits");
    }
    renders(
        "{{ 2 ** 126 }} {{ '9' * 50 }} {{ 'x' | int }}",
        &format!("{} {} 0", 1_i128 << 126, "9".repeat(50)),
    );
}
