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
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Turns JSON schemas into grammars. Schemas that hold together for a value are one rule, named after where they stand; so schemas that refer to
 * themselves become rules that do.
 */
public final class SchemaCompiler {
    private final JsonTexts texts;
    private final Schema root;
    private final Alternatives alternatives;
    private final Strings strings = new Strings();
    private final Instances instances;
    private final Map<String, Expr> rules;
    private final Queue<Pending> pending = new ArrayDeque<>();
    private final Map<String, String> names = new HashMap<>();

    /** A rule that is mentioned and not made yet. */
    private record Pending(String rule, List<Schema> schemas) {
    }

    private SchemaCompiler(SchemaDocument document, Notation notation) {
        texts = new JsonTexts(notation);
        rules = new LinkedHashMap<>(texts.rules());
        root = document.root();
        alternatives = new Alternatives(document, new Exclusive(strings));
        instances = new Instances(alternatives, strings);
    }

    /**
     * A grammar for the values of a schema, of JSON Schema draft 2020-12.
     *
     * @throws IllegalArgumentException if it is no schema, or has a keyword that is not supported; the message says where
     */
    public static Grammar compile(String schema) {
        var compiler = new SchemaCompiler(new SchemaDocument(schema), Notation.JSON);
        return compiler.grammar(compiler.value(List.of(compiler.root)));
    }

    /**
     * A grammar for arguments of a call as Python writes them, with their parentheses, for the objects of a schema. Members that no schema names are
     * not written.
     *
     * @throws IllegalArgumentException as {@link #compile}, and if a name cannot be written
     */
    public static Grammar pythonArguments(String schema) {
        var compiler = new SchemaCompiler(new SchemaDocument(schema), Notation.PYTHON);
        return compiler.arguments(new PythonArguments(compiler));
    }

    /**
     * A grammar for arguments of a call between tags, for the objects of a schema. Members that no schema names are not written.
     *
     * @param types by the name of a parameter, the types of its schema as whoever reads the call sees them: is it a string or JSON?
     * @throws IllegalArgumentException as {@link #compile}, and if a name or value cannot be written so
     */
    public static Grammar taggedArguments(String schema, Function<String, Set<String>> types) {
        var compiler = new SchemaCompiler(new SchemaDocument(schema), Notation.BETWEEN_TAGS);
        return compiler.arguments(new TaggedArguments(compiler, compiler.strings, types));
    }

    private Grammar arguments(Framing framing) {
        List<Expr> options = new ArrayList<>();
        for (Facets f : alternatives.of(List.of(root))) {
            if (f.literals().isPresent()) {
                throw root.refused("enum or const", "for all arguments is not supported in this syntax of calls; say it of each property");
            }
            if (f.types().contains(Facets.Type.OBJECT)) {
                options.add(new ObjectTexts(this, instances, strings).object(f, framing));
            }
        }
        return grammar(new Expr.Choice(options));
    }

    private Grammar grammar(Expr whole) {
        rules.put("root", whole);
        finish();
        return new Grammar(rules, "root");
    }

    /** A grammar for any JSON value. */
    public static Grammar anyValue() {
        return new Grammar(new JsonTexts(Notation.JSON).rules(), JsonTexts.VALUE);
    }

    /** A grammar for any JSON object. */
    public static Grammar anyObject() {
        return new Grammar(new JsonTexts(Notation.JSON).rules(), JsonTexts.OBJECT);
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

    List<Facets> alternatives(List<Schema> schemas) {
        return alternatives.of(schemas);
    }

    JsonTexts texts() {
        return texts;
    }

    /** The values of {@code enum} and {@code const} that satisfy what else is said. */
    List<JsonElement> literals(Facets f) {
        return f.literals().orElseThrow().stream().filter(l -> instances.valid(f, l)).toList();
    }

    Expr plain(Facets f) {
        if (f.literals().isPresent()) {
            return new Expr.Choice(literals(f).stream().map(this::literal).toList());
        }
        List<Expr> options = new ArrayList<>();
        for (Facets.Type t : f.types()) {
            switch (t) {
                case NULL -> options.add(texts.nothing());
                case BOOLEAN -> options.add(texts.truth());
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

    Expr quoted(Dfa strings) {
        return Expr.seq(JsonTexts.QUOTE, strings.toExpr(texts::characters), JsonTexts.QUOTE);
    }

    Expr literal(JsonElement value) {
        return switch (Facets.typeOf(value)) {
            case NULL -> texts.nothing();
            case BOOLEAN -> texts.truth(value.getAsBoolean());
            case INTEGER, FRACTION -> Expr.text(number(value));
            case STRING -> Expr.text(texts.quoted(value.getAsString()));
            case ARRAY -> list("[", value.getAsJsonArray().asList().stream().map(this::literal).toList(), "]");
            case OBJECT -> list("{", value.getAsJsonObject().entrySet().stream().map(e -> Expr.seq(Expr.text(texts.quoted(e.getKey())),
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
