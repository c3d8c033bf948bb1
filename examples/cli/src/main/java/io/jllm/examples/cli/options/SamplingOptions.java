package io.jllm.examples.cli.options;

import io.jllm.SamplingParams;
import io.jllm.SamplingParamsBuilder;
import io.jllm.examples.cli.output.BadInput;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Stack;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.IParameterConsumer;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** How to generate; what is not given stays as the model's authors recommend. */
public final class SamplingOptions {
    private static final Pattern CAMEL_WORD = Pattern.compile("^[a-z]+[A-Za-z]*(?= must be )");

    @Option(names = "--max-tokens", paramLabel = "N",
            description = "Most tokens to generate (default: what is left of the context).")
    private Optional<Integer> maxTokens = Optional.empty();

    @Option(names = "--temperature", paramLabel = "T",
            description = "0 takes the likeliest token always; above, chance grows (default: the model's own, or 1).")
    private Optional<Double> temperature = Optional.empty();

    @Option(names = "--top-k", paramLabel = "K", description = "Choose among the K likeliest tokens; 0: among all.")
    private Optional<Integer> topK = Optional.empty();

    @Option(names = "--top-p", paramLabel = "P", description = "Choose among the likeliest tokens that together reach P.")
    private Optional<Double> topP = Optional.empty();

    @Option(names = "--min-p", paramLabel = "P", description = "Choose among tokens at least P times as likely as the likeliest.")
    private Optional<Double> minP = Optional.empty();

    @Option(names = "--repetition-penalty", paramLabel = "X",
            description = "Above 1: tokens of prompt and output become less likely.")
    private Optional<Double> repetitionPenalty = Optional.empty();

    @Option(names = "--presence-penalty", paramLabel = "X", description = "Taken from the logit of each token of the output.")
    private Optional<Double> presencePenalty = Optional.empty();

    @Option(names = "--frequency-penalty", paramLabel = "X",
            description = "Taken from it once for each time that it stands there.")
    private Optional<Double> frequencyPenalty = Optional.empty();

    @Option(names = "--seed", paramLabel = "N", description = "Same seed, same text.")
    private Optional<Long> seed = Optional.empty();

    @Option(names = "--stop", paramLabel = "TEXT", parameterConsumer = Stops.class,
            description = "End before this text; may be given several times.")
    private List<String> stop = List.of();

    @Option(names = "--min-tokens", paramLabel = "N", description = "Do not end before so many tokens.")
    private Optional<Integer> minTokens = Optional.empty();

    @Option(names = "--ignore-eos", description = "Go on where the model would end.")
    private boolean ignoreEos;

    @Option(names = "--logprobs", paramLabel = "K", description = "With --json: the K likeliest tokens at each position.")
    private Optional<Integer> logprobs = Optional.empty();

    /**
     * The settings on top of others.
     *
     * @throws BadInput if one is out of range
     */
    public SamplingParams over(SamplingParams defaults) {
        SamplingParamsBuilder builder = defaults.toBuilder();
        maxTokens.ifPresent(builder::maxTokens);
        temperature.ifPresent(builder::temperature);
        topK.ifPresent(builder::topK);
        topP.ifPresent(builder::topP);
        minP.ifPresent(builder::minP);
        repetitionPenalty.ifPresent(builder::repetitionPenalty);
        presencePenalty.ifPresent(builder::presencePenalty);
        frequencyPenalty.ifPresent(builder::frequencyPenalty);
        seed.ifPresent(builder::seed);
        if (!stop.isEmpty()) {
            builder.stop(stop.toArray(String[]::new));
        }
        minTokens.ifPresent(builder::minTokens);
        if (ignoreEos) {
            builder.ignoreEos(true);
        }
        logprobs.ifPresent(builder::logprobs);
        try {
            return builder.build();
        } catch (IllegalArgumentException e) {
            throw new BadInput(asTyped(e.getMessage()), e);
        }
    }

    /**
     * Which settings are used that nobody typed, and where they come from; empty if there are none.
     *
     * @param used what {@link #over} gave
     * @param draws whether tokens are drawn, and not searched for
     */
    public Optional<String> untyped(SamplingParams used, boolean draws) {
        SamplingParams neutral = SamplingParams.neutral();
        boolean chance = draws && used.temperature() > 0;
        var models = new ArrayList<String>();
        add(models, draws && temperature.isEmpty(), "temperature", used.temperature(), neutral.temperature());
        add(models, chance && topK.isEmpty(), "top-k", used.topK(), neutral.topK());
        add(models, chance && topP.isEmpty(), "top-p", used.topP(), neutral.topP());
        add(models, chance && minP.isEmpty(), "min-p", used.minP(), neutral.minP());
        add(models, repetitionPenalty.isEmpty(), "repetition-penalty", used.repetitionPenalty(), neutral.repetitionPenalty());
        add(models, presencePenalty.isEmpty(), "presence-penalty", used.presencePenalty(), neutral.presencePenalty());
        add(models, frequencyPenalty.isEmpty(), "frequency-penalty", used.frequencyPenalty(), neutral.frequencyPenalty());
        var parts = new ArrayList<String>();
        if (!models.isEmpty()) {
            parts.add(String.join(", ", models) + " as the model's files recommend");
        }
        if (draws && temperature.isEmpty() && used.temperature() == neutral.temperature()) {
            parts.add("temperature 1, for neither the model's files nor --temperature say another (0 takes the likeliest token always)");
        }
        return parts.isEmpty() ? Optional.empty() : Optional.of("sampling: " + String.join("; ", parts));
    }

    private static void add(List<String> settings, boolean matters, String name, float used, float neutral) {
        if (matters && used != neutral) {
            settings.add(name + " " + new BigDecimal(Float.toString(used)).stripTrailingZeros().toPlainString());
        }
    }

    /** The options given that say how to draw, and so have no part in a search: all but a temperature of 0, which says the same. */
    public List<String> ofDrawing() {
        var given = new ArrayList<String>();
        temperature.filter(t -> t != 0).ifPresent(_ -> given.add("--temperature"));
        topK.ifPresent(_ -> given.add("--top-k"));
        topP.ifPresent(_ -> given.add("--top-p"));
        minP.ifPresent(_ -> given.add("--min-p"));
        seed.ifPresent(_ -> given.add("--seed"));
        return List.copyOf(given);
    }

    /** A message about {@code topP} as one about {@code --top-p}. */
    public static String asTyped(String message) {
        Matcher name = CAMEL_WORD.matcher(message);
        return name.replaceFirst(m -> "--" + m.group().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT));
    }

    /** Takes the argument after {@code --stop} whatever it looks like, and those after it that do not look like options. */
    static final class Stops implements IParameterConsumer {
        @Override
        public void consumeParameters(Stack<String> args, ArgSpec option, CommandSpec command) {
            if (args.isEmpty()) {
                throw new ParameterException(command.commandLine(), "Missing required parameter for option '--stop' (TEXT)");
            }
            var all = new ArrayList<String>(option.<List<String>>getValue());
            do {
                all.add(args.pop());
            } while (!args.isEmpty() && !args.peek().startsWith("-"));
            option.setValue(List.copyOf(all));
        }
    }
}
