package io.jllm.examples.cli.output;

import io.jllm.ModelLoadException;
import io.jllm.hub.HubException;
import io.jllm.spi.OutOfMemory;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import picocli.CommandLine.ParameterException;

/** The one place that turns exceptions into exit codes and lines for people. */
public final class Failures {
    /** The command did what it was asked. */
    public static final int OK = 0;
    /** It failed while running. */
    public static final int FAILED = 1;
    /** It was asked the impossible: bad usage or bad input. */
    public static final int BAD_INPUT = 2;
    /** It looked at a text, which is not what it was asked about. */
    public static final int NOT_ACCEPTED = 3;

    private Failures() {
    }

    /** The exit code for a failure. */
    public static int exitCode(Throwable failure) {
        if (OutOfMemory.in(failure).isPresent()) {
            return FAILED; // another machine, or another setting of this one, can do it
        }
        return switch (cause(failure)) {
            case Output.ClosedByReader _ -> OK;
            case NotAccepted _ -> NOT_ACCEPTED;
            case ParameterException _, BadInput _, ModelLoadException _, IllegalArgumentException _ -> BAD_INPUT;
            case NoSuchFileException _, AccessDeniedException _, FileNotFoundException _ -> BAD_INPUT;
            default -> FAILED;
        };
    }

    /** One line that says what went wrong. */
    public static String line(Throwable failure) {
        Optional<String> shortage = OutOfMemory.in(failure).map(OutOfMemory::describe);
        if (shortage.isPresent()) {
            String said = String.valueOf(failure.getMessage());
            return oneLine((said.contains(shortage.get()) ? said : shortage.get()) + "; JLLM_JAVA_OPTS holds options of the JVM such as -Xmx");
        }
        Throwable cause = cause(failure);
        String message = switch (cause) {
            case NoSuchFileException e -> "there is no file " + e.getFile();
            case AccessDeniedException e -> "no permission to use " + e.getFile();
            case FileSystemException e -> e.getFile() + ": "
                    + (e.getReason() == null ? e.getClass().getSimpleName() : e.getReason());
            case ParameterException e -> e.getMessage().replaceFirst("^Error: ", "");
            case BadInput e -> e.getMessage();
            case Failed e -> e.getMessage();
            case NotAccepted e -> e.getMessage();
            case ModelLoadException e -> e.getMessage();
            case HubException e -> e.getMessage();
            case IllegalArgumentException e when e.getMessage() != null -> e.getMessage();
            case IOException e when e.getMessage() != null -> e.getMessage();
            default -> cause.getClass().getSimpleName() + (cause.getMessage() == null ? "" : ": " + cause.getMessage());
        };
        return oneLine(message);
    }

    private static String oneLine(String message) {
        return message.strip().replaceAll("\\s*\\R\\s*", "; ");
    }

    /** What lies under the wrappings of threads and streams. */
    private static Throwable cause(Throwable failure) {
        Throwable cause = failure;
        while ((cause instanceof CompletionException || cause instanceof ExecutionException
                || cause instanceof UncheckedIOException)
                && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }
}
