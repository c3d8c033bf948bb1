package io.jllm.grammar.json;

import io.jllm.grammar.Expr;
import java.util.ArrayList;
import java.util.List;

/** How arrays are written. */
final class ArrayTexts {
    private final SchemaCompiler compiler;

    ArrayTexts(SchemaCompiler compiler) {
        this.compiler = compiler;
    }

    Expr array(Facets f) {
        int prefix = f.with("prefixItems").stream().mapToInt(s -> s.get("prefixItems").getAsJsonArray().size()).max().orElse(0);
        int least = f.items().least();
        int most = f.items().most();
        if (f.items().empty()) {
            return Expr.NOTHING;
        }
        // State i: after i items of the prefix; the last one but one: after all of them; the last: after others, too.
        List<Expr.Graph.Edge> edges = new ArrayList<>();
        List<Boolean> ends = new ArrayList<>();
        for (int i = 0; i < prefix && i < most; i++) {
            Expr item = compiler.value(Members.item(f, i));
            edges.add(new Expr.Graph.Edge(i, i == 0 ? item : Expr.seq(JsonTexts.COMMA, item), i + 1));
        }
        for (int i = 0; i <= prefix + 1; i++) {
            ends.add(i > prefix || i >= least && i <= most);
        }
        if (most > prefix) {
            Expr item = compiler.value(Members.item(f, prefix));
            int others = Math.max(1, least - prefix);
            Expr next = Expr.seq(JsonTexts.COMMA, item);
            int mostOthers = most == Integer.MAX_VALUE ? Expr.Repeat.UNLIMITED : most - prefix;
            Expr all = prefix > 0 ? new Expr.Repeat(next, others, mostOthers) : Expr.seq(item,
                    new Expr.Repeat(next, others - 1, mostOthers == Expr.Repeat.UNLIMITED ? mostOthers : mostOthers - 1));
            edges.add(new Expr.Graph.Edge(prefix, all, prefix + 1));
        }
        return Expr.seq(Expr.text("["), new Expr.Graph(edges, ends), Expr.text("]"));
    }
}
