package io.jllm.examples.cli.chat;

import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;

/**
 * Lines of a person at a terminal, who may edit them and take earlier ones back. The terminal is used by its name, for standard output and error
 * of the JVM may lead elsewhere; while this is open it passes every key on as it is.
 */
public final class TypedLines implements Lines {
    private static final File TERMINAL = new File("/dev/tty");

    private final Terminal terminal;
    private final LineReader reader;
    private final String before;

    private TypedLines(Terminal terminal, String before) {
        this.terminal = terminal;
        this.before = before;
        reader = LineReaderBuilder.builder().terminal(terminal).option(LineReader.Option.DISABLE_EVENT_EXPANSION, true).build();
    }

    /** Takes the terminal over; empty if there is none. */
    public static Optional<Lines> open() {
        try {
            String before = stty("-g");
            String[] size = stty("size").split(" ");
            stty("-icanon", "-echo", "-isig", "-icrnl", "min", "1");
            Terminal terminal = TerminalBuilder.builder().system(false).type(System.getenv().getOrDefault("TERM", "xterm"))
                    .encoding(StandardCharsets.UTF_8).streams(new FileInputStream(TERMINAL), new FileOutputStream(TERMINAL)).build();
            int columns = Integer.parseInt(size[1]);
            terminal.setSize(columns == 0 ? new Size(80, 24) : new Size(columns, Integer.parseInt(size[0]))); // some do not say
            return Optional.of(new TypedLines(terminal, before));
        } catch (IOException | RuntimeException _) {
            return Optional.empty(); // nothing to type at, or nobody knows how it is set
        }
    }

    /** How the terminal is set, or sets it. */
    private static String stty(String... what) throws IOException {
        List<String> command = new ArrayList<>(List.of("stty"));
        command.addAll(Arrays.asList(what));
        Process p = new ProcessBuilder(command).redirectInput(TERMINAL).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        try {
            if (p.waitFor() != 0) {
                throw new IOException("stty cannot do " + command);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
        return said;
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
        Terminal.SignalHandler was = terminal.handle(Terminal.Signal.INT, _ -> action.run());
        return () -> terminal.handle(Terminal.Signal.INT, was);
    }

    @Override
    public void close() throws IOException {
        try {
            terminal.close();
        } finally {
            stty(before);
        }
    }
}
