package io.jllm.examples.cli.command;

import io.jllm.LlmBuilder;
import io.jllm.chat.ChatOptions;
import io.jllm.examples.cli.batch.BatchRun;
import io.jllm.examples.cli.options.ModelName;
import io.jllm.examples.cli.options.ServedModels;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Console;
import io.jllm.server.LlmServer;
import io.jllm.server.LlmServerBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Answers a file of requests. */
@Command(name = "batch", description = {"Answers a file of requests, in OpenAI's batch format: a JSON object a line, with custom_id, url"
    + " (/v1/chat/completions, /v1/completions, /v1/embeddings or /v1/responses) and body. Answers are written as they come, in any order.", "",
    "Run again after it was ended, it answers what has no answer yet. A line that cannot be answered gets its error as its answer."})
public final class BatchCommand implements Action {
    private static final int MOST_AT_ONCE = 1024;

    @Mixin
    private ServedModels models;

    @Option(names = "--at-once", paramLabel = "N", defaultValue = "64", description = "Requests at a time (default: ${DEFAULT-VALUE}).")
    private int atOnce;

    @Parameters(index = "0", paramLabel = "IN.jsonl", description = "The requests.")
    private Path in;

    @Parameters(index = "1", paramLabel = "OUT.jsonl", description = "Their answers; those that are there stay.")
    private Path out;

    private final Console console;

    public BatchCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() throws IOException, InterruptedException {
        if (atOnce < 1 || atOnce > MOST_AT_ONCE) {
            throw new BadInput("--at-once must be in 1 to " + MOST_AT_ONCE + ", was " + atOnce);
        }
        ModelName.checkPlain(in, "there is no file ");
        if (Files.exists(out) && Files.isSameFile(in, out)) {
            throw new BadInput("the answers cannot go to the file of the requests");
        }
        long lines;
        try (Stream<String> all = Files.lines(in)) {
            lines = all.filter(l -> !l.isBlank()).count();
        }
        Map<String, LlmBuilder> served = models.builders(console);
        LlmServerBuilder builder = LlmServer.builder().pin(served.keySet().iterator().next()).port(0).accessLog(_ -> { })
                .chatOptions(ChatOptions.builder().withoutTemplate(ChatOptions.WithoutTemplate.CHATML).build());
        served.forEach((name, model) -> builder.model(name, model.maxSequences(atOnce)));
        models.addAdapters(served.keySet(), builder);
        builder.notices(console::say);
        try (LlmServer server = builder.start(); ProgressBar bar = console.progress("requests", lines)) {
            console.say(new BatchRun(server.uri(), atOnce, bar::step).run(in, out));
        }
    }
}
