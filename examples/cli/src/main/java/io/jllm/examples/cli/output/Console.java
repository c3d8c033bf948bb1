package io.jllm.examples.cli.output;

import java.io.InputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Where a command's words go.
 *
 * @param out results
 * @param err everything else
 * @param in what a user types, or a file
 * @param terminal whether a person reads {@code err}, and progress bars are welcome
 * @param interrupted whether the user has had enough, and failures that come of it need no words
 */
public record Console(Output out, PrintStream err, InputStream in, boolean terminal, BooleanSupplier interrupted) {
    private static final int BAR_COLUMNS = 80;
    private static final Duration MOST_TO_CLOSE = Duration.ofSeconds(1);

    /** A line for people, beside the results. */
    public void say(String line) {
        err.println(line);
    }

    /**
     * A progress bar, to be closed; it shows nothing where no person reads, and leaves nothing behind.
     *
     * @param task what goes on, in a word or two
     * @param total steps to its end; -1 if nobody knows
     */
    public ProgressBar progress(String task, long total) {
        var builder = new ProgressBarBuilder().setTaskName(task).setInitialMax(total).setUpdateIntervalMillis(200)
                .setStyle(ProgressBarStyle.ASCII);
        if (!terminal) {
            return builder.setConsumer(new DelegatingProgressBarConsumer(line -> { }, BAR_COLUMNS)).build();
        }
        return builder.setConsumer(new ConsoleProgressBarConsumer(err, BAR_COLUMNS)).clearDisplayOnFinish().build();
    }

    /** Closes a bar, but does not wait for long: a full heap may have ended the thread that draws, and then closing never ends. */
    public static void end(ProgressBar bar) {
        try {
            Thread closing = Thread.ofPlatform().daemon().start(bar::close);
            closing.join(MOST_TO_CLOSE);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } catch (OutOfMemoryError _) {
            // what is to be said is more important than a bar that is left
        }
    }
}
