package io.jllm.grammar.json;

import com.google.gson.JsonElement;
import io.jllm.grammar.Expr;
import io.jllm.grammar.Grammar;
import io.jllm.grammar.regex.Dfa;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.stream.Collectors;

/**
 * Turns JSON schemas into grammars. Schemas that hold together for a value are one rule, named after where they stand; so schemas that refer to
 * themselves become rules that do.
 */
public final class SchemaCompiler {
    private final Alternatives alternatives;
    private final Strings strings = new Strings();
    private final Instances instances;
    private final Map<String, Expr> rules = new LinkedHashMap<>(JsonTexts.rules());
    private final Queue<Pending> pending = new ArrayDeque<>();
    private final Map<String, String> names = new HashMap<>();

    /** A rule that is mentioned and not made yet. */
    private record Pending(String rule, List<Schema> schemas) {
    }

    private SchemaCompiler(SchemaDocument document) {
        alternatives = new Alternatives(document, new Exclusive(strings));
        instances = new Instances(alternatives, strings);
    }

    /**
     * A grammar for the values of a schema, of JSON Schema draft 2020-12.
     *
     * @throws IllegalArgumentException if it is no schema, or has a keyword that is not supported; the message says where
     */
    public static Grammar compile(String schema) {
        var document = new SchemaDocument(schema);
        var compiler = new SchemaCompiler(document);
        Expr root = compiler.value(List.of(document.root()));
        compiler.rules.put("root", root);
        compiler.finish();
        return new Grammar(compiler.rules, "root");
    }

    /** A grammar for any JSON value. */
    public static Grammar anyValue() {
        return new Grammar(JsonTexts.rules(), JsonTexts.VALUE);
    }

    /** A grammar for any JSON object. */
    public static Grammar anyObject() {
        return new Grammar(JsonTexts.rules(), JsonTexts.OBJECT);
    }

    private void finish() {
        for (Pending p = pending.poll(); p != null; p = pending.poll()) {
            List<Expr> options = new ArrayList<>();
            for (Facets f : alternatives.of(p.schemas)) {
                options.add(plain(f));
            }
            rules.put(p.rule, new Expr.Choice(options));
        }
    }

    /** A value for which these schemas hold. */
    Expr value(List<Schema> schemas) {
        List<Schema> saying = schemas.stream().filter(s -> !s.isTrue()).toList();
        if (saying.isEmpty()) {
            return new Expr.Ref(JsonTexts.VALUE);
        }
        if (saying.stream().anyMatch(Schema::isFalse)) {
            return Expr.NOTHING;
        }
        String key = saying.stream().map(Schema::path).sorted().distinct().collect(Collectors.joining(" & "));
        return new Expr.Ref(names.computeIfAbsent(key, k -> {
            pending.add(new Pending(k, saying));
            return k;
        }));
    }

    List<Facets> alternatives(Schema schema) {
        return alternatives.of(List.of(schema));
    }

    private Expr plain(Facets f) {
        if (f.literals().isPresent()) {
            return new Expr.Choice(f.literals().get().stream().filter(l -> instances.valid(f, l)).map(this::literal).toList());
        }
        List<Expr> options = new ArrayList<>();
        for (Facets.Type t : f.types()) {
            switch (t) {
                case NULL -> options.add(Expr.text("null"));
                case BOOLEAN -> options.add(Expr.choice(Expr.text("true"), Expr.text("false")));
                case INTEGER -> {
                    if (!f.types().contains(Facets.Type.FRACTION)) {
                        options.add(number(f, false));
                    }
                }
                case FRACTION -> options.add(number(f, true));
                case STRING -> options.add(string(f));
                case ARRAY -> options.add(new ArrayTexts(this).array(f));
                case OBJECT -> options.add(new ObjectTexts(this, instances, strings).object(f));
            }
        }
        return new Expr.Choice(options);
    }

    private Expr number(Facets f, boolean fractions) {
        if (f.numbers().none() && f.multiples().isEmpty()) {
            return new Expr.Ref(fractions ? JsonTexts.NUMBER : JsonTexts.INTEGER);
        }
        try {
            Dfa all = fractions ? NumberTexts.numbers(f.numbers()) : NumberTexts.integers(f.numbers());
            for (var m : f.multiples()) {
                all = all.intersect(NumberTexts.multiples(m));
            }
            return all.toExpr(Expr.Chars::new);
        } catch (IllegalArgumentException e) {
            throw f.schemas().getFirst().refused("a number", "is not supported: " + e.getMessage());
        }
    }

    Expr string(Facets f) {
        Optional<Dfa> shaped = strings.shaped(f);
        if (shaped.isPresent()) {
            return quoted(strings.language(f).orElseThrow());
        }
        if (f.length().empty()) {
            return Expr.NOTHING;
        }
        if (f.length().equals(Facets.Range.ANY)) {
            return new Expr.Ref(JsonTexts.STRING);
        }
        return Expr.seq(JsonTexts.QUOTE, new Expr.Repeat(new Expr.Ref(JsonTexts.CHARACTER), f.length().least(), f.length().most()),
                JsonTexts.QUOTE);
    }

    static Expr quoted(Dfa texts) {
        return Expr.seq(JsonTexts.QUOTE, texts.toExpr(JsonTexts::characters), JsonTexts.QUOTE);
    }

    private Expr literal(JsonElement value) {
        return switch (Facets.typeOf(value)) {
            case NULL, BOOLEAN -> Expr.text(value.toString());
            case INTEGER, FRACTION -> Expr.text(number(value));
            case STRING -> Expr.text(JsonTexts.quoted(value.getAsString()));
            case ARRAY -> list("[", value.getAsJsonArray().asList().stream().map(this::literal).toList(), "]");
            case OBJECT -> list("{", value.getAsJsonObject().entrySet().stream().map(e -> Expr.seq(Expr.text(JsonTexts.quoted(e.getKey())),
                    JsonTexts.COLON, literal(e.getValue()))).toList(), "}");
        };
    }

    private static String number(JsonElement value) {
        var stripped = value.getAsBigDecimal().stripTrailingZeros();
        return Math.abs(stripped.scale()) > 40 ? stripped.toString() : stripped.signum() == 0 ? "0" : stripped.toPlainString();
    }

    private static Expr list(String begin, List<Expr> parts, String end) {
        List<Expr> all = new ArrayList<>();
        all.add(Expr.text(begin));
        for (Expr part : parts) {
            if (all.size() > 1) {
                all.add(JsonTexts.COMMA);
            }
            all.add(part);
        }
        all.add(Expr.text(end));
        return new Expr.Seq(all);
    }
}
