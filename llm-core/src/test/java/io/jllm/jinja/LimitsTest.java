package io.jllm.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Meter;
import io.jllm.jinja.value.Value;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Templates that would not end, or fill memory or the stack, are stopped with an error that names the limit. */
class LimitsTest {
    /** Less than the limits of applications, to get there soon. */
    private static final long STEPS = 300_000;
    private static final long CHARACTERS = 3_000_000;

    private static String render(String template) {
        Map<String, Value> none = new HashMap<>();
        return Template.parse(template).render(none, Clock.fixed(Instant.parse("2026-07-04T05:06:07Z"), ZoneOffset.UTC),
                new Meter(STEPS, CHARACTERS)).text();
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "{% set l = [1] %}{% for x in l %}{% set _ = l.append(x) %}{% endfor %}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 'aaaaaaaaaa' * 1000000000 }}",
        "{{ [1] * 1000000000 }}",
        "{{ ''|center(2000000000) }}",
        "{{ 'x'.zfill(2000000000) }}",
        "{% set ns = namespace(s='abcdefgh') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}"
                + "{% set ns.m = [ns.m, ns.m] %}{% endfor %}{{ ns.l == ns.m }}",
        "{% set ns = namespace(l=(1,)) %}{% for i in range(99) %}{% set ns.l = (ns.l, ns.l) %}{% endfor %}{{ {ns.l: 1} }}",
        "{% set l = [] %}{% set _ = l.append(l) %}{{ l }}",
        "{% set l = [] %}{% set _ = l.append(l) %}{{ l|tojson }}",
        "{% set l = [] %}{% set _ = l.append(l) %}{% set k = [] %}{% set _ = k.append(k) %}{{ l == k }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{{ 'aaaaaaaaaa'.replace('', 'b' * 1000000).replace('', 'c' * 1000000) }}",
        "{{ range(99999)|map('center', 99999)|list }}",
        "{{ ['x' * 1000000] * 1000|join('y' * 1000) }}",
        "{{ 9223372036854775807 + 1 }}", "{{ 2 ** 64 }}", "{{ -9223372036854775807 - 2 }}", "{{ 9223372036854775808 }}",
        "{{ 1e300|int }}", "{{ 10.0 ** 400 }}"})
    void bounded(String template) {
        JinjaException e = assertThrows(JinjaException.class, () -> render(template));
        assertEquals(1, e.line());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '#', quoteCharacter = '`', value = {"(#)", "[#]", "`not `#``", "-#``", "{'a':#}", "`x if y else `#``", "f(#)"})
    void deepNestingIsRefused(String open, String close) {
        String template = "{{ " + open.repeat(100_000) + "1" + close.repeat(100_000) + " }}";
        assertTrue(assertThrows(JinjaException.class, () -> render(template)).getMessage().contains("nested"));
    }

    @ParameterizedTest
    @ValueSource(strings = {" + 1", ".a", "[0]", "|abs", " ~ 1", " and 1", " or 1", " == 1", "()", " is none"})
    void longChainsEnd(String link) {
        String template = "{{ 1" + link.repeat(100_000) + " }}";
        try {
            render(template);
        } catch (JinjaException e) {
            assertEquals(1, e.line());
        }
    }

    @Test
    void deepestRecursionFitsASmallStack() throws InterruptedException {
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread small = new Thread(null, () -> {
            try {
                render("{% macro m(a) %}{% if true %}{% for x in [1] %}{{ '' ~ (1 + m([a][0])|length) }}"
                        + "{% endfor %}{% endif %}{% endmacro %}{{ m(1) }}");
            } catch (JinjaException e) {
                thrown.set(e);
            } catch (StackOverflowError e) {
                thrown.set(e);
            }
        }, "small", 512 << 10);
        small.start();
        small.join();
        assertTrue(thrown.get() instanceof JinjaException e && e.getMessage().contains(Meter.MAX_DEPTH + " deep"), String.valueOf(thrown.get()));
    }

    @Test
    void linesAreThoseOfTheTemplate() {
        assertEquals(3, assertThrows(JinjaException.class, () -> render("a\n{# b\n#}{{ 1 / 0 }}\n")).line());
        assertEquals(4, assertThrows(JinjaException.class, () -> render("{% if true %}\n\n  x\n{{ y.z }}{% endif %}")).line());
        assertEquals(2, assertThrows(JinjaException.class, () -> render("{{ 1 }}\n{% endfor %}")).line());
        assertEquals(3, assertThrows(JinjaException.class, () -> render("{% macro m() %}\n\n{{ none.x.y }}{% endmacro %}\n\n{{ m() }}")).line());
    }

    @Test
    void dates() {
        assertEquals("04 Jul 2026|2026-07-04|Saturday, July 4|05:06:07 AM|185", render("{{ strftime_now('%d %b %Y') }}|"
                + "{{ strftime_now('%Y-%m-%d') }}|{{ strftime_now('%A, %B %-d') }}|{{ strftime_now('%I:%M:%S %p') }}|{{ strftime_now('%j') }}"));
        assertTrue(assertThrows(JinjaException.class, () -> render("{{ strftime_now('%Q') }}")).getMessage().contains("%Q"));
    }

    @Test
    void whatIsNotSupportedIsRefusedByName() {
        for (String tag : new String[] {"include 'x'", "import 'x' as y", "from 'x' import y", "extends 'x'", "block x", "autoescape true", "do x"}) {
            String message = assertThrows(JinjaException.class, () -> render("{% " + tag + " %}")).getMessage();
            assertTrue(message.contains(tag.split(" ")[0]), message);
        }
        for (String filter : new String[] {"xmlattr", "urlize", "pprint", "random", "striptags", "wordwrap", "filesizeformat"}) {
            String message = assertThrows(JinjaException.class, () -> render("{{ 1|" + filter + " }}")).getMessage();
            assertEquals("the filter '" + filter + "' of Jinja is not supported", message);
        }
    }
}
