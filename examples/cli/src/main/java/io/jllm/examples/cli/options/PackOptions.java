package io.jllm.examples.cli.options;

import io.jllm.convert.packed.FolderQuantizer;
import io.jllm.convert.packed.PackMethod;
import io.jllm.examples.cli.output.BadInput;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine.Option;

/** How a folder is quantised by GPTQ, AWQ or plain rounding. */
public final class PackOptions {
    private static final String GPTQ = "gptq";
    private static final String AWQ = "awq";
    private static final String NEAREST = "rtn";

    @Option(names = "--method", paramLabel = "METHOD", description = "Writes a Hugging Face folder, not a GGUF file: gptq or awq, by a --text, or "
            + "rtn, which rounds to nearest, in the layout of GPTQ.")
    private String method;

    @Option(names = "--text", paramLabel = "F", description = "gptq, awq: a text like those that the model is for, best of 100,000 tokens or more.")
    private Path text;

    @Option(names = "--context", paramLabel = "N", description = "gptq, awq: tokens of a chunk of it (default: 512, or the model's context).")
    private Integer context;

    @Option(names = "--chunks", paramLabel = "N", description = "gptq, awq: chunks at most, from the start of the text (default: all).")
    private Integer chunks;

    @Option(names = "--bits", paramLabel = "N", description = "gptq, rtn: 2, 3, 4 or 8 (default: 4).")
    private Integer bits;

    @Option(names = "--group-size", paramLabel = "N", description = "Columns that share a scale, or -1 for all (default: 128).")
    private Integer groupSize;

    @Option(names = "--asymmetric", description = "gptq, rtn: groups have zeros of their own, as AWQ's always have.")
    private boolean asymmetric;

    @Option(names = "--act-order", description = "gptq: columns of large inputs first (desc_act).")
    private boolean actOrder;

    @Option(names = "--static-groups", description = "gptq: scales of the weights as they were, for columns that stand together.")
    private boolean staticGroups;

    @Option(names = "--no-true-sequential", description = "gptq: inputs of all products of a layer are those of the layer as it was.")
    private boolean notSequential;

    @Option(names = "--damping", paramLabel = "X", description = "gptq: added to the diagonal, as a share of its mean (default: 0.01).")
    private Double damping;

    @Option(names = "--gptq-v2", description = "gptq, rtn: zeros are stored as they are (checkpoint_format gptq_v2).")
    private boolean second;

    @Option(names = "--no-clip", description = "awq: no limits of weights.")
    private boolean noClip;

    /** Whether a folder is to be written. */
    public boolean isAsked() {
        return method != null;
    }

    /**
     * What is asked for.
     *
     * @throws BadInput if options do not go together
     */
    public PackMethod method() {
        return switch (method) {
            case null -> throw new IllegalStateException("no --method");
            case NEAREST -> {
                only("gptq", gptqOnly());
                only("gptq or awq", textual());
                only(AWQ, Map.of("--no-clip", noClip));
                yield new PackMethod.Nearest(numbers());
            }
            case GPTQ -> {
                only(AWQ, Map.of("--no-clip", noClip));
                yield new PackMethod.Gptq(numbers(), actOrder, staticGroups, !notSequential,
                        Optional.ofNullable(damping).orElse(PackMethod.Gptq.USUAL.damping()));
            }
            case AWQ -> {
                only(GPTQ, gptqOnly());
                only("gptq or rtn", numberOptions());
                yield new PackMethod.Awq(size(), !noClip);
            }
            case String other -> throw new BadInput("--method must be gptq, awq or rtn, was " + other);
        };
    }

    /**
     * The text to go by.
     *
     * @throws IOException if it cannot be read
     */
    public FolderQuantizer.Text text() throws IOException {
        if (method.equals(NEAREST)) {
            return FolderQuantizer.Text.NONE;
        }
        if (text == null) {
            throw new BadInput("--method " + method + " needs a --text: one like those that the model is for, best of 100,000 tokens or more");
        }
        return new FolderQuantizer.Text(Texts.read(text), Optional.ofNullable(context).orElse(0), Optional.ofNullable(chunks).orElse(0));
    }

    /** Refuses options where none of them has a meaning. */
    public void refuseWithoutMethod() {
        var all = new LinkedHashMap<String, Boolean>();
        all.putAll(gptqOnly());
        all.putAll(textual());
        all.putAll(numberOptions());
        all.put("--group-size", groupSize != null);
        all.put("--no-clip", noClip);
        String given = given(all);
        if (!given.isEmpty()) {
            throw new BadInput(given + ": for folders of --method gptq, awq or rtn, not for GGUF files of --type");
        }
    }

    private PackMethod.Numbers numbers() {
        return new PackMethod.Numbers(Optional.ofNullable(bits).orElse(PackMethod.Numbers.USUAL.bits()), size(), !asymmetric, second);
    }

    private int size() {
        return Optional.ofNullable(groupSize).orElse(PackMethod.Numbers.USUAL.groupSize());
    }

    private Map<String, Boolean> gptqOnly() {
        return Map.of("--act-order", actOrder, "--static-groups", staticGroups, "--no-true-sequential", notSequential, "--damping", damping != null);
    }

    private Map<String, Boolean> textual() {
        return Map.of("--text", text != null, "--context", context != null, "--chunks", chunks != null);
    }

    private Map<String, Boolean> numberOptions() {
        return Map.of("--bits", bits != null, "--asymmetric", asymmetric, "--gptq-v2", second);
    }

    private void only(String methods, Map<String, Boolean> options) {
        String given = given(options);
        if (!given.isEmpty()) {
            throw new BadInput(given + ": for --method " + methods + ", not for " + method);
        }
    }

    private static String given(Map<String, Boolean> options) {
        return options.entrySet().stream().filter(Map.Entry::getValue).map(Map.Entry::getKey).sorted().collect(Collectors.joining(", "));
    }
}
