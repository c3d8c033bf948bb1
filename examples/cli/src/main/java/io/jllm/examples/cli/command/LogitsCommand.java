package io.jllm.examples.cli.command;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.jllm.LLM;
import io.jllm.LogitsProcessor;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.SamplingParams;
import io.jllm.examples.cli.options.ModelOptions;
import io.jllm.examples.cli.options.TokenIds;
import io.jllm.examples.cli.output.Console;
import io.jllm.examples.cli.output.Json;
import io.jllm.examples.cli.output.Results;
import io.jllm.sampling.SamplerChain;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Shows what a model predicts after some tokens. */
@Command(name = "logits", description = "Shows the 20 likeliest tokens after some others, with their raw logits.")
public final class LogitsCommand implements Action {
    private static final int SHOWN = 20;

    @Mixin
    private ModelOptions model;

    @Option(names = "--ids", paramLabel = "0,12,99", required = true, converter = TokenIds.Converter.class,
            description = "The tokens before; nothing is put before them.")
    private TokenIds ids;

    @Option(names = "--json", description = "Print one line of JSON.")
    private boolean json;

    private final Console console;

    public LogitsCommand(Console console) {
        this.console = console;
    }

    /** One token of the answer. */
    private record Candidate(int id, float logit, double logprob) {
    }

    @Override
    public void run() {
        var row = new AtomicReference<float[]>();
        LogitsProcessor keep = (tokens, promptLength, length, logits) -> row.set(logits.clone());
        SamplingParams params = SamplingParams.greedy().toBuilder().maxTokens(1).logitsProcessor(() -> keep).build();
        try (LLM llm = model.open(console)) {
            Results.good(llm.generate(List.of(new Request(Prompt.ofTokens(ids.ids()), params))).getFirst());
            List<Candidate> best = best(row.get());
            if (json) {
                console.out().println(Json.line(json(best)));
                return;
            }
            console.out().println(String.format(Locale.ROOT, "%8s  %12s  %12s  %s", "id", "logit", "logprob", "token"));
            for (Candidate c : best) {
                console.out().println(String.format(Locale.ROOT, "%8d  %12.6f  %12.6f  %s", c.id, c.logit, c.logprob,
                        token(llm, c.id)));
            }
        }
    }

    /** How the token is written; nothing for a model without a tokenizer. */
    private static String token(LLM llm, int id) {
        try {
            return llm.tokenizer().token(id);
        } catch (IllegalArgumentException e) {
            return "";
        }
    }

    private static List<Candidate> best(float[] logits) {
        var chain = new SamplerChain(logits.length);
        int shown = Math.min(SHOWN, logits.length);
        int[] ids = new int[shown];
        chain.topK(logits, shown, ids, new float[shown], 0);
        double logSum = chain.logSumExp(logits); // in double, for all the digits that there are
        return Arrays.stream(ids).mapToObj(i -> new Candidate(i, logits[i], logits[i] - logSum)).toList();
    }

    private static JsonObject json(List<Candidate> best) {
        var top = new JsonArray();
        for (Candidate c : best) {
            var token = new JsonObject();
            token.addProperty("id", c.id);
            token.add("logit", Json.number(c.logit));
            token.add("logprob", Json.number(c.logprob));
            top.add(token);
        }
        var json = new JsonObject();
        json.add("top", top);
        return json;
    }
}
