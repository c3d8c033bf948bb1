package io.jllm.examples.cli.options;

import io.jllm.BeamSearchParams;
import io.jllm.SamplingParams;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.sampling.EarlyStopping;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** How many outputs to give for a prompt, and whether to draw them or to search for them. */
public final class OutputOptions {
    @Option(names = "--n", paramLabel = "N", description = "Outputs for the prompt (default: 1).")
    private Optional<Integer> n = Optional.empty();

    @Option(names = "--beams", paramLabel = "W", description = "Search for the likeliest texts with W beams; nothing is left to chance then.")
    private Optional<Integer> beams = Optional.empty();

    @Option(names = "--length-penalty", paramLabel = "P",
            description = "With --beams: above 0 favours long texts, below 0 short ones (default: 1).")
    private Optional<Double> lengthPenalty = Optional.empty();

    @Option(names = "--early-stopping", paramLabel = "true|false|never", converter = Stopping.class,
            description = "With --beams: when to end the search (default: false).")
    private Optional<EarlyStopping> earlyStopping = Optional.empty();

    /** The settings with the number of outputs to draw. */
    public SamplingParams drawn(SamplingParams params) {
        if (lengthPenalty.isPresent() || earlyStopping.isPresent()) {
            throw new BadInput("--length-penalty and --early-stopping are settings of a beam search; give --beams too");
        }
        try {
            return n.map(count -> params.toBuilder().n(count).build()).orElse(params);
        } catch (IllegalArgumentException e) {
            throw new BadInput(SamplingOptions.asTyped(e.getMessage()), e);
        }
    }

    /** Whether to search with beams. */
    public boolean searches() {
        return beams.isPresent();
    }

    /** The settings of the search, as far as others say them. */
    public BeamSearchParams searched(SamplingParams params) {
        if (!params.stop().isEmpty()) {
            throw new BadInput("--stop cannot be combined with --beams: a search ends texts at tokens only; leave one of them out");
        }
        try {
            var builder = BeamSearchParams.builder(beams.orElseThrow()).decoding(params.decoding());
            n.ifPresent(builder::n);
            lengthPenalty.ifPresent(builder::lengthPenalty);
            earlyStopping.ifPresent(builder::earlyStopping);
            return builder.build();
        } catch (IllegalArgumentException e) {
            throw new BadInput(SamplingOptions.asTyped(e.getMessage()).replace("--width", "--beams").replace("the width", "--beams"), e);
        }
    }

    /** Reads the names as people type them. */
    static final class Stopping implements ITypeConverter<EarlyStopping> {
        @Override
        public EarlyStopping convert(String value) {
            return Arrays.stream(EarlyStopping.values()).filter(e -> e.name().toLowerCase(Locale.ROOT).equals(value)).findFirst()
                    .orElseThrow(() -> new TypeConversionException("expected true, false or never, was '" + value + "'"));
        }
    }
}
