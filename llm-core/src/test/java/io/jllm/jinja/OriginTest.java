package io.jllm.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jllm.jinja.json.JsonText;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.Value;
import java.time.Clock;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Characters of a template and of data stay what they are through whatever is done with them. */
class OriginTest {
    /** The text with what is data between angle brackets. */
    private static String marked(Str text) {
        StringBuilder out = new StringBuilder();
        text.runs(0, text.text().length(), (start, end, trusted) -> {
            String run = text.text().substring(start, end);
            out.append(trusted ? run : "<" + run + ">");
        });
        return out.toString();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '#', quoteCharacter = '`', value = {
        "{{ d }}#<Data 😀 x>",
        "a{{ d }}b#a<Data 😀 x>b",
        "{{ 'a' + d + 'b' }}#a<Data 😀 x>b",
        "{{ 'a' ~ d ~ 1 }}#a<Data 😀 x>1",
        "{{ ('ab' + d)[1:4] }}#b<Da>",
        "{{ ('ab' + d)[::-1] }}#<x 😀 ataD>ba",
        "{{ (d + 'yz')[-4:] }}#< x>yz",
        "{{ (' ' + d + '  ')|trim }}#<Data 😀 x>",
        "{{ ('a' + d)|upper }}#A<DATA 😀 X>",
        "{{ ('ß' + d)|upper }}#<SSDATA 😀 X>",
        "{{ d.replace('a', '-') }}#<D>-<t>-< 😀 x>",
        "{{ 'a-b'.replace('-', d) }}#a<Data 😀 x>b",
        "{{ ('a' + d).replace('aD', '!') }}#!<ata 😀 x>",
        "{{ [d, 'y']|join('-') }}#<Data 😀 x>-y",
        "{{ ('a ' + d).split() }}#['a', '<Data>', '<😀>', '<x>']",
        "{{ {'k': d}|tojson }}#{\"k\": \"<Data 😀 x>\"}",
        "{{ o|tojson }}#{\"<key>\": [\"<v\\\">\", 1]}",
        "{% for k, v in o.items() %}{{ k }}{{ v[0] }}{% endfor %}#<keyv\">",
        "{% set x %}a{{ d }}{% endset %}{{ x }}#a<Data 😀 x>",
        "{% macro m(x) %}({{ x }}){% endmacro %}{{ m(d) }}#(<Data 😀 x>)",
        "{% filter upper %}a{{ d }}{% endfilter %}#A<DATA 😀 X>",
        "{{ '%s!' % d }}#<Data 😀 x>!",
        "{{ '{}!'.format(d) }}#<Data 😀 x>!",
        "{{ d.format() }}#<Data 😀 x>",
        "{{ 'a~b'.replace('~', nl)|indent(1) ~ d|indent }}#a<$> b<Data 😀 x>",
        "{{ d|first ~ (d|last) ~ d[5] ~ 'x' }}#<Dx😀>x",
        "{{ d * 2 ~ 'a' * 2 }}#<Data 😀 xData 😀 x>aa",
        "{{ d|truncate(7, true, leeway=0) }}#<Data>...",
        "{{ d if d == 'Data 😀 x' else 'no' }}#<Data 😀 x>",
        "{{ {'Data 😀 x': 'found'}[d] }}#found",
        "{{ d|default('x') ~ u|default('x') }}#<Data 😀 x>x",
        "{{ d|e ~ d|center(10) ~ '.' }}#<Data 😀 x> <Data 😀 x> .",
        "{{ d|string ~ d|list|first ~ d.partition('t')[1] ~ 't' }}#<Data 😀 xDt>t",
        "{{ [d]|map('upper')|first }}#<DATA 😀 X>",
        "{{ d.splitlines()[0] ~ d.title() ~ d.strip('D') }}#<Data 😀 xData 😀 Xata 😀 x>",
    })
    void stays(String template, String expected) throws JsonText.Malformed {
        Map<String, Value> variables = new HashMap<>(Map.of("d", Str.data("Data 😀 x"), "nl", Str.data("\n"), "o",
                JsonText.parse("{\"key\": [\"v\\\"\", 1]}")));
        assertEquals(expected, marked(Template.parse(template).render(variables, Clock.systemUTC())).replace('\n', '$'));
    }
}
