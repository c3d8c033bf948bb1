package io.jllm.constraint.calls;

import io.jllm.grammar.CodePoints;
import io.jllm.grammar.Expr;
import io.jllm.grammar.Grammar;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;

/**
 * Free text in which marks are looked for, as one automaton (Aho and Corasick's): each character and each special token leads to how much of a mark
 * has been written. A mark counts whether it is written as special tokens or spelled out, for whoever reads the text sees no difference.
 */
public final class FreeText {
    private static final String OTHER_TOKENS = "other special tokens";
    private static final String BLANKS = " \n\t\r";
    /** So many characters of white space may stand between reasoning and an answer: it is no place to go on for ever. */
    private static final int MOST_BLANKS = 16;

    /** What a mark leads to. */
    sealed interface Then {
        /** It may not be written. */
        record Never() implements Then {
        }

        /** This, and then the text is free again. */
        record Back(Expr bound) implements Then {
        }

        /** This, and nothing more. */
        record End(Expr bound) implements Then {
        }
    }

    private final SpecialTokens tokens;
    private final Map<String, Then> marks;
    private final List<Node> nodes = new ArrayList<>();
    private final Set<Integer> alphabet = new LinkedHashSet<>();
    private final Map<String, Expr> rules;
    private final List<Expr.Graph.Edge> edges = new ArrayList<>();
    private final List<Boolean> ends = new ArrayList<>();

    /** How much of marks has been written. */
    private static final class Node {
        private final Map<Integer, Node> next = new HashMap<>();
        private Node fail = this;
        private Optional<Then> done = Optional.empty();
        private int state;
    }

    private FreeText(Map<String, Then> marks, SpecialTokens tokens, boolean special, Map<String, Expr> rules) {
        this.marks = marks;
        this.tokens = tokens;
        this.rules = rules;
        nodes.add(new Node());
        marks.forEach((mark, then) -> {
            add(mark.codePoints().boxed().toList(), then);
            add(tokens.symbols(mark), then);
        });
        link();
        if (special) {
            otherTokens();
        }
    }

    /** Reasoning: free up to what ends it, and white space behind that. */
    public static Grammar until(String close, SpecialTokens tokens) {
        Expr blank = new Expr.Chars(CodePoints.anyOf(BLANKS));
        Map<String, Expr> rules = new LinkedHashMap<>();
        var text = new FreeText(Map.of(close, new Then.End(new Expr.Repeat(blank, 0, MOST_BLANKS))), tokens, true, rules);
        rules.put("root", text.graph(false, ""));
        return new Grammar(rules, "root");
    }

    /**
     * Text that may end anywhere, with any special tokens in it.
     *
     * @param marks what they lead to
     * @param bare characters with which a text does not begin, also behind a mark, white space aside
     * @param rules where rules that the text needs are put
     */
    static Expr with(Map<String, Then> marks, String bare, SpecialTokens tokens, Map<String, Expr> rules) {
        return new FreeText(marks, tokens, true, rules).graph(true, bare);
    }

    /** Text without special tokens, and without any of these marks. */
    static Expr without(List<String> marks, SpecialTokens tokens) {
        Map<String, Then> never = new LinkedHashMap<>();
        marks.forEach(m -> never.put(m, new Then.Never()));
        return new FreeText(never, tokens, false, Map.of()).graph(true, "");
    }

    private void add(List<Integer> symbols, Then then) {
        Node at = nodes.getFirst();
        for (int symbol : symbols) {
            alphabet.add(symbol);
            at = at.next.computeIfAbsent(symbol, _ -> {
                nodes.add(new Node());
                return nodes.getLast();
            });
        }
        at.done = Optional.of(then);
    }

    /** Finds for each node the longest other one that its end is the beginning of. */
    private void link() {
        Node root = nodes.getFirst();
        Queue<Node> queue = new ArrayDeque<>();
        root.next.values().forEach(n -> {
            n.fail = root;
            queue.add(n);
        });
        for (Node node = queue.poll(); node != null; node = queue.poll()) {
            Node from = node;
            from.next.forEach((symbol, n) -> {
                n.fail = after(from.fail, symbol);
                n.done = n.done.or(() -> n.fail.done);
                queue.add(n);
            });
        }
    }

    private Node after(Node node, int symbol) {
        Node at = node;
        while (!at.next.containsKey(symbol) && at != nodes.getFirst()) {
            at = at.fail;
        }
        return at.next.getOrDefault(symbol, nodes.getFirst());
    }

    private void otherTokens() {
        List<Expr> others = new ArrayList<>();
        tokens.ids().stream().filter(id -> !alphabet.contains(~id)).forEach(id -> others.add(new Expr.Token(id)));
        if (!others.isEmpty()) {
            rules.put(OTHER_TOKENS, new Expr.Choice(others));
        }
    }

    /**
     * Writes it down.
     *
     * @param free whether the text may end where it is free
     * @param bare characters with which it does not begin
     */
    private Expr.Graph graph(boolean free, String bare) {
        int begin = bare.isEmpty() ? -1 : state(free);
        List<Node> open = nodes.stream().filter(n -> n.done.isEmpty()).toList();
        open.forEach(n -> n.state = state(free));
        int root = nodes.getFirst().state;
        Map<Then, Integer> behind = new HashMap<>();
        marks.values().forEach(then -> behind.computeIfAbsent(then, t -> behind(t, begin < 0 ? root : begin)));
        if (begin >= 0) {
            CodePoints blanks = CodePoints.anyOf(BLANKS);
            edges.add(new Expr.Graph.Edge(begin, new Expr.Chars(blanks), begin));
            ways(nodes.getFirst(), begin, blanks.union(CodePoints.anyOf(bare)), behind);
        }
        open.forEach(n -> ways(n, n.state, CodePoints.NONE, behind));
        return new Expr.Graph(edges, ends);
    }

    private int state(boolean end) {
        ends.add(end);
        return ends.size() - 1;
    }

    /** The state behind a mark; below 0 if there is none. */
    private int behind(Then then, int root) {
        return switch (then) {
            case Then.Never _ -> -1;
            case Then.Back back -> {
                int state = state(false);
                edges.add(new Expr.Graph.Edge(state, back.bound, root));
                yield state;
            }
            case Then.End end -> {
                int state = state(false);
                edges.add(new Expr.Graph.Edge(state, end.bound, state(true)));
                yield state;
            }
        };
    }

    /** All that may follow a node. */
    private void ways(Node node, int from, CodePoints not, Map<Then, Integer> behind) {
        CodePoints rest = CodePoints.ALL.minus(not);
        for (int symbol : alphabet) {
            Node to = after(node, symbol);
            int state = to.done.map(behind::get).orElse(to.state);
            boolean allowed = symbol < 0 || rest.contains(symbol);
            if (symbol >= 0) {
                rest = rest.minus(CodePoints.of(symbol));
            }
            if (allowed && state >= 0) {
                edges.add(new Expr.Graph.Edge(from, symbol < 0 ? new Expr.Token(~symbol) : new Expr.Chars(CodePoints.of(symbol)), state));
            }
        }
        int root = nodes.getFirst().state;
        edges.add(new Expr.Graph.Edge(from, new Expr.Chars(rest), root));
        if (rules.containsKey(OTHER_TOKENS)) {
            edges.add(new Expr.Graph.Edge(from, new Expr.Ref(OTHER_TOKENS), root));
        }
    }
}
