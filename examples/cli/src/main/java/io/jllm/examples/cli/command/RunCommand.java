package io.jllm.examples.cli.command;

import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.TokenStream;
import io.jllm.examples.cli.options.AdaptedModelOptions;
import io.jllm.examples.cli.options.ConstraintOptions;
import io.jllm.examples.cli.options.OutputOptions;
import io.jllm.examples.cli.options.PromptOptions;
import io.jllm.examples.cli.options.SamplingOptions;
import io.jllm.examples.cli.output.Console;
import io.jllm.examples.cli.output.Json;
import io.jllm.examples.cli.output.Results;
import java.util.List;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Generates text. */
@Command(name = "run", description = {"Continues a prompt; the text comes as it is generated.", "",
    "Settings of sampling that are not given are those that the model's files recommend (generation_config.json, general.sampling.* of a"
        + " GGUF file), and neutral where they say nothing, which is a temperature of 1. A line on standard error says which were taken."})
public final class RunCommand implements Action {
    @Mixin
    private AdaptedModelOptions model;

    @ArgGroup(exclusive = true, multiplicity = "1")
    private PromptOptions prompt;

    @Mixin
    private SamplingOptions sampling;

    @Mixin
    private ConstraintOptions bound;

    @Mixin
    private OutputOptions outputs;

    @Option(names = "--json", description = {"Print the whole result as one line of JSON.",
        "\"score\" is the sum of an output's log-probabilities divided by the number of its tokens, or with --beams by that number to the"
            + " power of the length penalty. \"stop_reason\" is a text of --stop, or the id of a token."})
    private boolean json;

    private final Console console;

    public RunCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() throws Exception {
        Prompt asked = prompt.prompt();
        check(bound.over(sampling.over(SamplingParams.neutral()))); // what is out of range is said before a model is loaded
        if (outputs.searches() && !sampling.ofDrawing().isEmpty()) {
            console.say("warning: a beam search draws nothing: " + String.join(", ", sampling.ofDrawing())
                    + (sampling.ofDrawing().size() == 1 ? " has" : " have") + " no effect with --beams");
        }
        try (LLM llm = model.open(console)) {
            SamplingParams params = model.adapted(bound.over(sampling.over(llm.defaults())));
            sampling.untyped(params, !outputs.searches()).ifPresent(console::say);
            if (outputs.searches()) {
                print(llm.beamSearch(List.of(asked), outputs.searched(params)).getFirst(), params);
            } else {
                SamplingParams drawn = outputs.drawn(params);
                if (json || drawn.n() > 1) {
                    print(llm.generate(List.of(new Request(asked, drawn))).getFirst(), params);
                } else {
                    stream(llm, asked, drawn);
                }
            }
        }
    }

    private void check(SamplingParams params) {
        if (outputs.searches()) {
            outputs.searched(params);
        } else {
            outputs.drawn(params);
        }
    }

    private void print(RequestOutput result, SamplingParams params) {
        Results.good(result);
        if (json) {
            console.out().println(Json.line(Results.json(result, params.logprobs() > 0)));
        } else if (result.outputs().size() == 1) {
            console.out().println(result.text());
        } else {
            result.outputs().forEach(o -> console.out().println("[" + (o.index() + 1) + "] " + o.text()));
        }
        console.out().flush(); // giving the model back takes a while
    }

    private void stream(LLM llm, Prompt asked, SamplingParams params) throws Exception {
        try (TokenStream stream = llm.stream(asked, params)) {
            for (TokenStream.Piece piece : stream) {
                console.out().print(piece.text());
                console.out().flush();
            }
            Results.good(stream.result().get());
            console.out().println("");
        }
    }
}
