package io.jllm.examples.cli.options;

import io.jllm.Prompt;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What to continue: one of three forms. */
public final class PromptOptions {
    @Option(names = "--prompt", paramLabel = "TEXT", description = "The text to continue.")
    private Optional<String> text = Optional.empty();

    @Option(names = "--prompt-file", paramLabel = "F", description = "A file with the text to continue, taken as it is.")
    private Optional<Path> file = Optional.empty();

    @Option(names = "--ids", paramLabel = "1,2,3", converter = TokenIds.Converter.class,
            description = "The tokens to continue; nothing is put before them.")
    private Optional<TokenIds> ids = Optional.empty();

    /** The prompt. */
    public Prompt prompt() throws IOException {
        if (ids.isPresent()) {
            return Prompt.ofTokens(ids.get().ids());
        }
        return Prompt.of(text.isPresent() ? text.get() : Texts.read(file.orElseThrow()));
    }
}
