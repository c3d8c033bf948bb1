package io.jllm.examples.cli.bench;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.SamplingParams;
import io.jllm.examples.cli.options.Asked;
import io.jllm.examples.cli.options.OutputOptions;
import io.jllm.examples.cli.options.PromptOptions;
import io.jllm.examples.cli.options.SamplingOptions;
import io.jllm.examples.cli.options.Texts;
import io.jllm.examples.cli.output.BadInput;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.ParameterException;

/**
 * Reads recorded requests, one JSON object a line. Its keys are the options of {@code llm run}, with underscores
 * ({@code max_tokens}), and mean the same; {@code ids} and {@code stop} are arrays.
 */
public final class RequestLines {
    private static final String NO_OBJECT = "this is no JSON object (one, and nothing else)";

    private RequestLines() {
    }

    /** The options of one request. */
    @Command
    private static final class Options {
        @ArgGroup(exclusive = true, multiplicity = "1")
        private PromptOptions prompt;

        @Mixin
        private SamplingOptions sampling;

        @Mixin
        private OutputOptions outputs;
    }

    /**
     * The requests of a file, with what is not given as the model's authors recommend.
     *
     * @throws BadInput if a line is no request, or there is none; the message names the line
     */
    public static List<Asked> read(Path file, SamplingParams defaults) throws IOException {
        var requests = new ArrayList<Asked>();
        int number = 0;
        for (String line : Texts.lines(Texts.read(file))) {
            number++;
            if (!line.isBlank()) {
                try {
                    requests.add(asked(line, defaults));
                } catch (JsonParseException e) {
                    throw new BadInput(file + ": line " + number + ": " + NO_OBJECT, e);
                } catch (ParameterException | BadInput e) {
                    throw new BadInput(file + ": line " + number + ": " + e.getMessage(), e);
                }
            }
        }
        if (requests.isEmpty()) {
            throw new BadInput(file + " holds no requests; write a JSON object a line, such as {\"prompt\": \"Once\", \"max_tokens\": 9}");
        }
        return requests;
    }

    private static Asked asked(String line, SamplingParams defaults) throws IOException {
        JsonElement json = new GsonBuilder().setStrictness(Strictness.STRICT).create().fromJson(line, JsonElement.class);
        if (!(json instanceof JsonObject object)) {
            throw new BadInput(NO_OBJECT);
        }
        var args = new ArrayList<String>();
        object.asMap().forEach((key, value) -> add(args, key, value));
        var options = new Options();
        new CommandLine(options).setExpandAtFiles(false).parseArgs(args.toArray(String[]::new));
        SamplingParams params = options.sampling.over(defaults);
        Prompt prompt = options.prompt.prompt();
        return options.outputs.searches() ? new Asked.Searched(prompt, options.outputs.searched(params))
                : new Asked.Drawn(new Request(prompt, options.outputs.drawn(params)));
    }

    /** Adds a key and its value as they would be typed. */
    private static void add(List<String> args, String key, JsonElement value) {
        String option = "--" + key.replace('_', '-');
        if (key.equals("ids") && value.isJsonArray()) {
            args.add(option + "=" + StreamSupport.stream(value.getAsJsonArray().spliterator(), false).map(RequestLines::text)
                    .collect(Collectors.joining(",")));
        } else if (value.isJsonArray()) {
            value.getAsJsonArray().forEach(one -> args.add(option + "=" + text(one)));
        } else {
            args.add(option + "=" + text(value)); // a flag takes true and false in this form
        }
    }

    private static String text(JsonElement value) {
        if (!(value instanceof JsonPrimitive primitive)) {
            throw new BadInput("a value must be a number, a text, true or false, or an array of these, was " + value);
        }
        return primitive.getAsString();
    }
}
