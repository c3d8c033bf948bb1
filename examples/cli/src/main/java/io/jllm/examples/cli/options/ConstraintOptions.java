package io.jllm.examples.cli.options;

import io.jllm.SamplingParams;
import io.jllm.constraint.Constraint;
import io.jllm.examples.cli.output.BadInput;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What an answer must look like. */
public final class ConstraintOptions {
    @Option(names = "--json-schema", paramLabel = "F", description = "The answer is a JSON value of the schema in this file.")
    private Optional<Path> jsonSchema = Optional.empty();

    @Option(names = "--regex", paramLabel = "R", description = "The answer matches this regular expression.")
    private Optional<String> regex = Optional.empty();

    @Option(names = "--grammar", paramLabel = "F", description = "The answer is a sentence of the grammar in this file (GBNF).")
    private Optional<Path> grammar = Optional.empty();

    @Option(names = "--choices", paramLabel = "A,B", split = ",", description = "The answer is one of these texts.")
    private List<String> choices = List.of();

    /**
     * The settings, bound by what was asked.
     *
     * @throws BadInput if it cannot be kept, or there are several
     */
    public SamplingParams over(SamplingParams params) throws IOException {
        return constraint().map(c -> params.toBuilder().constraint(c).build()).orElse(params);
    }

    private Optional<Constraint> constraint() throws IOException {
        int asked = (jsonSchema.isPresent() ? 1 : 0) + (regex.isPresent() ? 1 : 0) + (grammar.isPresent() ? 1 : 0) + (choices.isEmpty() ? 0 : 1);
        if (asked > 1) {
            throw new BadInput("--json-schema, --regex, --grammar and --choices exclude each other");
        }
        if (jsonSchema.isPresent()) {
            return Optional.of(schema(jsonSchema.get()));
        }
        if (grammar.isPresent()) {
            return Optional.of(grammar(grammar.get()));
        }
        return regex.map(Constraint::regex).or(() -> choices.isEmpty() ? Optional.empty() : Optional.of(Constraint.choices(choices)));
    }

    private static Constraint schema(Path file) throws IOException {
        String text = Texts.read(file);
        return named(file, () -> Constraint.jsonSchema(text));
    }

    private static Constraint grammar(Path file) throws IOException {
        String text = Texts.read(file);
        return named(file, () -> Constraint.grammar(text));
    }

    /** The constraint in a file: a schema where it begins as JSON does, else a grammar. */
    public static Constraint of(Path file) throws IOException {
        return Texts.read(file).stripLeading().startsWith("{") ? schema(file) : grammar(file);
    }

    @FunctionalInterface
    private interface Reading {
        Constraint read();
    }

    private static Constraint named(Path file, Reading reading) {
        try {
            return reading.read();
        } catch (IllegalArgumentException e) {
            throw new BadInput(file + ": " + e.getMessage(), e);
        }
    }
}
