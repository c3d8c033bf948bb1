package io.jllm.grammar.json;

import com.google.gson.JsonElement;
import io.jllm.grammar.CodePoints;
import io.jllm.grammar.Expr;
import io.jllm.grammar.regex.Dfa;
import io.jllm.grammar.regex.Regex;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/**
 * Arguments between tags, as Qwen3-Coder writes them: {@code <parameter=a>}, the value and {@code </parameter>}, each on lines of its own. A
 * string is written as it is, without quotes and escapes, and everything else as JSON. Which of both a value is, whoever reads it knows by the types
 * that the schema says; so where it allows strings and more, strings are left out that could be read as something else.
 */
final class TaggedArguments implements Framing {
    private static final Set<String> TEXT = Set.of("string");
    /** What ends a value, wherever it stands. */
    private static final Dfa WITH_END = somewhere("</parameter>", "</function>");
    /** Where lengths are counted, all that may become one of them is left out: to tell them apart for each length would take too much room. */
    private static final Dfa WITH_TAG = somewhere("</");
    /** Strings that begin or end with white space, or look like JSON. */
    private static final Dfa AMBIGUOUS = ambiguous();

    private final SchemaCompiler compiler;
    private final Strings strings;
    private final Function<String, Set<String>> types;

    /**
     * @param types the types of a parameter as its reader sees them
     */
    TaggedArguments(SchemaCompiler compiler, Strings strings, Function<String, Set<String>> types) {
        this.compiler = compiler;
        this.strings = strings;
        this.types = types;
    }

    private static Dfa somewhere(String... texts) {
        List<Regex> options = new ArrayList<>();
        for (String t : texts) {
            options.add(Regex.literal(t));
        }
        return Dfa.of(new Regex.Choice(options).anywhere());
    }

    private static Dfa ambiguous() {
        Regex blank = new Regex.Chars(CodePoints.anyOf(" \u0085\u00A0\u1680\u2028\u2029\u202F\u205F\u3000\uFEFF")
                .union(CodePoints.range('\t', '\r')).union(CodePoints.range(0x1C, 0x1F)).union(CodePoints.range(0x2000, 0x200A)));
        return Dfa.of(new Regex.Choice(List.of(new Regex.Seq(List.of(blank, Regex.ANYTHING)), new Regex.Seq(List.of(Regex.ANYTHING, blank)),
                new Regex.Seq(List.of(new Regex.Chars(CodePoints.anyOf("{[\"")), Regex.ANYTHING)))))
                .union(Dfa.of("null|true|false|True|False|-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?"));
    }

    @Override
    public Expr open() {
        return Expr.EMPTY;
    }

    @Override
    public Expr between() {
        return Expr.EMPTY;
    }

    @Override
    public Expr close() {
        return Expr.EMPTY;
    }

    @Override
    public boolean others() {
        return false;
    }

    @Override
    public Expr member(String name, List<Schema> value) {
        if (!name.matches("[^\\s<>]{1,200}")) {
            throw new IllegalArgumentException("the property \"" + name + "\" cannot be the name of a parameter between tags: at most 200 characters,"
                    + " no white space and no < and >");
        }
        List<Expr> options = new ArrayList<>();
        for (Facets f : compiler.alternatives(value)) {
            options.addAll(values(f, types.apply(name)));
        }
        return options.isEmpty() ? Expr.NOTHING
                : Expr.seq(Expr.text("<parameter=" + name + ">\n"), new Expr.Choice(options), Expr.text("\n</parameter>\n"));
    }

    private List<Expr> values(Facets f, Set<String> readAs) {
        boolean text = readAs.contains("string");
        List<Expr> options = new ArrayList<>();
        if (f.literals().isPresent()) {
            for (JsonElement l : compiler.literals(f)) {
                options.add(literal(f, l, readAs));
            }
            return options;
        }
        Set<Facets.Type> others = EnumSet.copyOf(f.types());
        if (text && others.remove(Facets.Type.STRING)) {
            options.add(text(f, readAs).toExpr(Expr.Chars::new));
        }
        if (!readAs.equals(TEXT) && !others.isEmpty()) {
            options.add(compiler.plain(f.of(others)));
        }
        return options;
    }

    /** The strings that can be written without quotes and are read as such. */
    private Dfa text(Facets f, Set<String> readAs) {
        Dfa all = strings.language(f).orElseGet(() -> Dfa.lengths(0, Expr.Repeat.UNLIMITED));
        Dfa some = all.minus(f.length().equals(Facets.Range.ANY) ? WITH_END : WITH_TAG);
        return readAs.equals(TEXT) ? some : some.minus(AMBIGUOUS);
    }

    private Expr literal(Facets f, JsonElement value, Set<String> readAs) {
        boolean string = Facets.typeOf(value) == Facets.Type.STRING;
        if (string ? readAs.contains("string") && !text(Facets.of(List.of()), readAs).matches(value.getAsString()) : readAs.equals(TEXT)) {
            throw f.schemas().getFirst().refused("the value " + value, "cannot be written between tags so that it is read as what it is: give the "
                    + "property one \"type\", or take it out");
        }
        return string && readAs.contains("string") ? Expr.text(value.getAsString()) : compiler.literal(value);
    }
}
