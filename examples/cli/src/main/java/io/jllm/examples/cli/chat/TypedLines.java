package io.jllm.examples.cli.chat;

import java.io.IOException;
import java.util.Optional;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;

/** Lines of a person at a terminal, who may edit them and take earlier ones back. */
public final class TypedLines implements Lines {
    private final Terminal terminal;
    private final LineReader reader;

    private TypedLines(Terminal terminal) {
        this.terminal = terminal;
        reader = LineReaderBuilder.builder().terminal(terminal).option(LineReader.Option.DISABLE_EVENT_EXPANSION, true).build();
    }

    /** Takes the terminal over; empty if there is none. */
    public static Optional<Lines> open() {
        try {
            Terminal terminal = TerminalBuilder.builder().system(true).dumb(false).build();
            return Optional.of(new TypedLines(terminal));
        } catch (IOException | IllegalStateException _) {
            return Optional.empty(); // JLine finds none
        }
    }

    @Override
    public Optional<String> next(String prompt) {
        while (true) {
            try {
                return Optional.of(reader.readLine(prompt));
            } catch (UserInterruptException e) {
                if (e.getPartialLine().isEmpty()) {
                    return Optional.empty();
                }
                // else the line is begun anew
            } catch (EndOfFileException _) {
                return Optional.empty();
            }
        }
    }

    @Override
    public Interrupting interrupting(Runnable action) {
        Terminal.SignalHandler before = terminal.handle(Terminal.Signal.INT, _ -> action.run());
        return () -> terminal.handle(Terminal.Signal.INT, before);
    }

    @Override
    public void close() throws IOException {
        terminal.close();
    }
}
