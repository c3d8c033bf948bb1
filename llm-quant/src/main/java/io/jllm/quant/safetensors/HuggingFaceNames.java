package io.jllm.quant.safetensors;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * How a family of checkpoints names its modules, and what GGUF calls them: a table as a value, so that a family brings its own
 * where the common one does not do.
 *
 * <p>A rule is about a module, and holds for everything stored under it: {@code model.norm} for {@code model.norm.weight} as well as
 * {@code model.norm.bias}. {@code *} stands for a segment of the name that is a number, and comes back in the same order in the new name.
 * Where several rules fit, the one of the most segments wins; a name that no rule fits is kept. Immutable.
 */
public final class HuggingFaceNames {
    /** What the modules of most checkpoints are below; others leave it out, as models without their output matrix are saved. */
    private static final String BASE = "model.";
    /** What the same modules are below in checkpoints of wrapped models: in parallel, compiled, with adapters, or beside other media. */
    private static final List<String> WRAPPERS = List.of(BASE, "module.", "_orig_mod.", "base_model.", "language_model.");
    /** Wrappers around each other. */
    private static final int MOST_WRAPPERS = 4;

    /** Llama, Mistral, Qwen2 and Qwen3, and the many families that took over their names. */
    public static final HuggingFaceNames LLAMA = of(
            new Rename("model.embed_tokens", "token_embd"),
            new Rename("model.norm", "output_norm"),
            new Rename("lm_head", "output"),
            new Rename("model.layers.*.input_layernorm", "blk.*.attn_norm"),
            new Rename("model.layers.*.self_attn.q_proj", "blk.*.attn_q"),
            new Rename("model.layers.*.self_attn.k_proj", "blk.*.attn_k"),
            new Rename("model.layers.*.self_attn.v_proj", "blk.*.attn_v"),
            new Rename("model.layers.*.self_attn.o_proj", "blk.*.attn_output"),
            new Rename("model.layers.*.self_attn.q_norm", "blk.*.attn_q_norm"),
            new Rename("model.layers.*.self_attn.k_norm", "blk.*.attn_k_norm"),
            new Rename("model.layers.*.post_attention_layernorm", "blk.*.ffn_norm"),
            new Rename("model.layers.*.mlp.gate_proj", "blk.*.ffn_gate"),
            new Rename("model.layers.*.mlp.up_proj", "blk.*.ffn_up"),
            new Rename("model.layers.*.mlp.down_proj", "blk.*.ffn_down"));

    private final Map<String, Rule> rules;
    /** The most segments of any rule: a name from a file may have a million. */
    private final int longest;

    private HuggingFaceNames(Map<String, Rule> rules) {
        this.rules = rules;
        this.longest = rules.keySet().stream().mapToInt(r -> r.split("\\.", -1).length).max().orElse(0);
    }

    /** What becomes of one module. */
    public sealed interface Rule {
        /** The checkpoint's name of it. */
        String from();
    }

    /**
     * Another name for the whole.
     *
     * @param from the checkpoint's name
     * @param to GGUF's name
     */
    public record Rename(String from, String to) implements Rule {
        /** Checks that the placeholders match. */
        public Rename {
            samePlaceholders(from, to);
        }
    }

    /**
     * A fused module whose output rows belong to several, one after another: q, k and v in one, or gate and up. A weight is cut by its
     * rows, a bias by its elements; whatever else is stored under the module keeps its name.
     *
     * @param from the checkpoint's name
     * @param parts GGUF's modules in the order of their rows, which are all rows of the tensor
     */
    public record Split(String from, List<Part> parts) implements Rule {
        /** Checks that there are parts and that the placeholders match. */
        public Split {
            parts = List.copyOf(parts);
            if (parts.isEmpty()) {
                throw new IllegalArgumentException("no parts for " + from);
            }
            for (Part p : parts) {
                samePlaceholders(from, p.to());
            }
        }

        /** The rows of all parts. */
        public long rows() {
            return parts.stream().mapToLong(Part::rows).reduce(0, Math::addExact);
        }
    }

    /**
     * Some rows of a fused module.
     *
     * @param to GGUF's name
     * @param rows how many rows, at least 1
     */
    public record Part(String to, long rows) {
        /** Checks the number of rows. */
        public Part {
            if (rows < 1) {
                throw new IllegalArgumentException("part " + to + " has " + rows + " rows, must have at least 1");
            }
        }
    }

    /** A table of these rules only; of two for one module the later counts. */
    public static HuggingFaceNames of(Rule... rules) {
        return new HuggingFaceNames(Map.of()).with(rules);
    }

    /** A table of these rules, each for a module below {@code base} and for the same without it, as models without their output matrix are saved. */
    public static HuggingFaceNames below(String base, Rename... rules) {
        return of(Stream.of(rules).flatMap(r -> Stream.of(r, new Rename(base + r.from(), r.to()))).toArray(Rule[]::new));
    }

    /** This table and more rules; a rule for a module that has one takes its place. */
    public HuggingFaceNames with(Rule... more) {
        var all = new LinkedHashMap<>(rules);
        for (Rule r : more) {
            all.put(r.from(), r);
        }
        return new HuggingFaceNames(all);
    }

    /**
     * The rule for one tensor, with numbers for placeholders and the full names of tensors for those of modules. A tensor of
     * no rule keeps its name.
     */
    public Rule resolve(String tensor) {
        return find(tensor, tensor).orElse(new Rename(tensor, tensor));
    }

    /** Whether there is a rule for the tensor as it is spelled. */
    boolean knows(String tensor) {
        return find(tensor, tensor).isPresent();
    }

    /**
     * The rule for a tensor of a checkpoint that spells names otherwise: without {@code model.} before them, as transformers takes them
     * too, or with what wraps the model before them. The rest of the name must fit a rule whole, so that nothing is taken for what it is not.
     * Empty if no rule fits.
     */
    public Optional<Rule> resolveRespelled(String tensor) {
        String rest = tensor;
        for (int i = 0; i <= MOST_WRAPPERS; i++) {
            Optional<Rule> rule = find(tensor, rest);
            if (rule.isEmpty()) {
                rule = find(tensor, BASE + rest);
            }
            if (rule.isPresent()) {
                return rule;
            }
            String whole = rest;
            Optional<String> wrapper = WRAPPERS.stream().filter(whole::startsWith).findFirst();
            if (wrapper.isEmpty()) {
                return Optional.empty();
            }
            rest = rest.substring(wrapper.get().length());
        }
        return Optional.empty();
    }

    /** The rule for a tensor that is spelled so; empty if there is none. */
    private Optional<Rule> find(String tensor, String spelled) {
        var segments = List.of(spelled.split("\\.", -1));
        var pattern = new ArrayList<String>();
        var numbers = new ArrayList<String>();
        for (String s : segments) {
            boolean number = isNumber(s);
            pattern.add(number ? "*" : s);
            if (number) {
                numbers.add(s);
            }
        }
        for (int n = Math.min(longest, segments.size()); n > 0; n--) {
            Rule rule = rules.get(String.join(".", pattern.subList(0, n)));
            if (rule == null) {
                continue;
            }
            String kind = String.join(".", segments.subList(n, segments.size()));
            switch (rule) {
                case Rename r -> {
                    return Optional.of(new Rename(tensor, name(r.to(), numbers, kind)));
                }
                case Split s when kind.equals("weight") || kind.equals("bias") -> {
                    return Optional.of(new Split(tensor, s.parts().stream().map(p -> new Part(name(p.to(), numbers, kind), p.rows()))
                            .toList()));
                }
                case Split s -> {
                    return Optional.of(new Rename(tensor, tensor));
                }
            }
        }
        return Optional.empty();
    }

    private static String name(String module, List<String> numbers, String kind) {
        String name = module;
        for (int i = 0; name.contains("*"); i++) {
            name = name.replaceFirst("\\*", numbers.get(i));
        }
        return kind.isEmpty() ? name : name + "." + kind;
    }

    private static boolean isNumber(String segment) {
        return !segment.isEmpty() && segment.chars().allMatch(c -> c >= '0' && c <= '9');
    }

    private static void samePlaceholders(String from, String to) {
        if (from.chars().filter(c -> c == '*').count() != to.chars().filter(c -> c == '*').count()) {
            throw new IllegalArgumentException(from + " and " + to + " must have the same number of placeholders *");
        }
    }
}
