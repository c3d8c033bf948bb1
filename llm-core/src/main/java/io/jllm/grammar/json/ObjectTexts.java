package io.jllm.grammar.json;

import io.jllm.grammar.Expr;
import io.jllm.grammar.regex.Dfa;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** How objects are written: the properties in the order in which the schema names them, then members of other names. */
final class ObjectTexts {
    /** Most patterns of names, for their combinations are told apart. */
    private static final int MOST_PATTERNS = 6;
    private static final int MOST_STATES = 20_000;

    private final SchemaCompiler compiler;
    private final Instances instances;
    private final Strings strings;

    ObjectTexts(SchemaCompiler compiler, Instances instances, Strings strings) {
        this.compiler = compiler;
        this.instances = instances;
        this.strings = strings;
    }

    /** An object as JSON has it. */
    Expr object(Facets f) {
        return object(f, new Framing() {
            @Override
            public Expr open() {
                return Expr.text("{");
            }

            @Override
            public Expr between() {
                return JsonTexts.COMMA;
            }

            @Override
            public Expr close() {
                return Expr.text("}");
            }

            @Override
            public Expr member(String name, List<Schema> value) {
                return Framing.pair(Expr.seq(Expr.text(compiler.texts().quoted(name)), JsonTexts.COLON), compiler.value(value));
            }

            @Override
            public boolean others() {
                return true;
            }
        });
    }

    Expr object(Facets f, Framing framing) {
        if (f.members().empty()) {
            return Expr.NOTHING;
        }
        Set<String> names = new LinkedHashSet<>();
        f.with("properties").forEach(s -> names.addAll(s.get("properties").getAsJsonObject().keySet()));
        names.addAll(f.required());
        List<Expr> members = new ArrayList<>();
        List<Boolean> optional = new ArrayList<>();
        for (String name : names) {
            Expr member = instances.names(f, name) ? framing.member(name, Members.named(f, name)) : Expr.NOTHING;
            if (member.equals(Expr.NOTHING)) {
                if (f.required().contains(name)) {
                    return Expr.NOTHING;
                }
                continue;
            }
            members.add(member);
            optional.add(!f.required().contains(name));
        }
        List<Expr> others = framing.others() ? others(f, names) : List.of();
        if (!others.isEmpty() && f.members().least() > f.required().size() + 1) {
            throw f.schemas().getFirst().refused("minProperties " + f.members().least(), "is not supported where other members than the"
                    + " properties may stand; name the members, or say \"additionalProperties\": false");
        }
        return Expr.seq(framing.open(), members(f, members, optional, others, framing.between()), framing.close());
    }

    /** Paths through the members: a state for each member that may come next and for each count of those that came, as far as it matters. */
    private static Expr members(Facets f, List<Expr> members, List<Boolean> optional, List<Expr> others, Expr between) {
        int least = f.members().least();
        boolean limited = f.members().most() < Integer.MAX_VALUE;
        int counts = Math.max(1, limited ? Math.min(f.members().most(), others.isEmpty() ? members.size() : Integer.MAX_VALUE)
                : Math.min(least, members.size() + 1)) + 1;
        long states = (members.size() + 2L) * counts;
        if (states > MOST_STATES) {
            throw f.schemas().getFirst().refused("minProperties or maxProperties", "is too large: with " + members.size() + " properties at"
                    + " most " + (MOST_STATES / (members.size() + 2)) + " is supported");
        }
        List<Expr.Graph.Edge> edges = new ArrayList<>();
        List<Boolean> ends = new ArrayList<>();
        int all = members.size();
        Expr other = new Expr.Choice(others);
        for (int i = 0; i <= all + 1; i++) {
            for (int c = 0; c < counts; c++) {
                int from = i * counts + c;
                ends.add(i >= all && c >= least && c <= f.members().most());
                boolean full = c + 1 == counts && limited;
                int next = Math.min(c + 1, counts - 1);
                if (i < all) {
                    if (!full) {
                        edges.add(new Expr.Graph.Edge(from, listed(members.get(i), c, between), (i + 1) * counts + next));
                    }
                    if (optional.get(i)) {
                        edges.add(new Expr.Graph.Edge(from, Expr.EMPTY, (i + 1) * counts + c));
                    }
                } else if (!others.isEmpty() && !full) {
                    // The names of others may repeat each other, so that only the first is sure to count towards the least.
                    edges.add(new Expr.Graph.Edge(from, listed(other, c, between), (all + 1) * counts + (i == all || limited ? next : c)));
                }
            }
        }
        return new Expr.Graph(edges, ends);
    }

    private static Expr listed(Expr member, int before, Expr between) {
        return before == 0 ? member : Expr.seq(between, member);
    }

    /** Members of other names, by the patterns that their names match. */
    private List<Expr> others(Facets f, Set<String> names) {
        Set<String> patterns = new LinkedHashSet<>();
        f.with("patternProperties").forEach(s -> patterns.addAll(s.get("patternProperties").getAsJsonObject().keySet()));
        if (patterns.size() > MOST_PATTERNS) {
            throw f.schemas().getFirst().refused("patternProperties", "has " + patterns.size() + " patterns; at most " + MOST_PATTERNS
                    + " are supported");
        }
        List<String> list = List.copyOf(patterns);
        List<Expr> out = new ArrayList<>();
        for (int matched = 0; matched < 1 << list.size(); matched++) {
            int bits = matched;
            List<String> matching = list.stream().filter(p -> (bits >> list.indexOf(p) & 1) == 1).toList();
            List<Schema> schemas = Members.matching(f, matching);
            Expr value = compiler.value(schemas);
            if (!value.equals(Expr.NOTHING)) {
                name(f, names, list, matching).ifPresent(name -> out.add(Expr.seq(name, JsonTexts.COLON, value)));
            }
        }
        return out;
    }

    /** Names that match these patterns and no others, and are none of these. */
    private Optional<Expr> name(Facets f, Set<String> names, List<String> patterns, List<String> matching) {
        Optional<Dfa> all = Optional.empty();
        for (Schema s : f.with("propertyNames")) {
            Optional<Dfa> some = names(s.child("propertyNames"));
            if (some.isPresent()) {
                all = Strings.both(all, some.get());
            }
        }
        Schema any = f.schemas().isEmpty() ? null : f.schemas().getFirst();
        for (String p : patterns) {
            Dfa texts = Members.pattern(any, p);
            all = Strings.both(all, matching.contains(p) ? texts : Dfa.lengths(0, Expr.Repeat.UNLIMITED).minus(texts));
        }
        if (!names.isEmpty()) {
            all = Optional.of(all.orElseGet(() -> Dfa.lengths(0, Expr.Repeat.UNLIMITED)).minus(Dfa.literals(names)));
        }
        return all.isEmpty() ? Optional.of(new Expr.Ref(JsonTexts.STRING))
                : all.filter(d -> !d.isEmpty()).map(compiler::quoted);
    }

    /** The names that a schema of names admits; empty if all. */
    private Optional<Dfa> names(Schema schema) {
        Dfa some = null;
        for (Facets f : compiler.alternatives(List.of(schema))) {
            if (!f.types().contains(Facets.Type.STRING)) {
                continue;
            }
            Optional<Dfa> texts = strings.language(f);
            if (f.literals().isPresent()) {
                texts = Optional.of(Dfa.literals(f.literals().get().stream().filter(l -> Facets.typeOf(l) == Facets.Type.STRING)
                        .filter(l -> instances.valid(f, l)).map(l -> l.getAsString()).toList()));
            }
            if (texts.isEmpty()) {
                return Optional.empty();
            }
            some = some == null ? texts.get() : some.union(texts.get());
        }
        return Optional.of(some == null ? Dfa.literals(List.of()) : some);
    }
}
