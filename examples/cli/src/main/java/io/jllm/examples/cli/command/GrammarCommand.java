package io.jllm.examples.cli.command;

import io.jllm.constraint.Constraint;
import io.jllm.examples.cli.options.ConstraintOptions;
import io.jllm.examples.cli.options.Texts;
import io.jllm.examples.cli.output.NotAccepted;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Checks a grammar, and a text by it. */
@Command(name = "grammar", description = {"Checks a JSON schema or a grammar (GBNF), and a text by it.", "",
    "Ends with 0 if the text is a sentence of it, with 3 if it is not, and with 2 if the schema or grammar cannot be used: then a line says why."})
public final class GrammarCommand implements Action {
    @Option(names = "--check", paramLabel = "F", required = true, description = "A JSON schema, where it begins with a brace; else a grammar.")
    private Path grammar;

    @Option(names = "--text-file", paramLabel = "T", description = "The text, every byte of it. Without it the grammar alone is checked.")
    private Optional<Path> text = Optional.empty();

    @Override
    public void run() throws Exception {
        Constraint constraint = ConstraintOptions.of(grammar);
        if (text.isPresent() && !constraint.accepts(Texts.read(text.get()))) {
            throw new NotAccepted(text.get() + " is no sentence of " + grammar);
        }
    }
}
