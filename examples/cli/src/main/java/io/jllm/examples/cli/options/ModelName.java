package io.jllm.examples.cli.options;

import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Console;
import io.jllm.hub.DownloadListener;
import io.jllm.hub.Hub;
import io.jllm.hub.HubName;
import io.jllm.hub.HubSettings;
import io.jllm.hub.Progress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;
import me.tongfei.progressbar.ProgressBar;

/** A model as it is typed: a file or folder, or a name, whose model is fetched when it is first needed. */
public final class ModelName {
    private static final long MIB = 1 << 20;

    private final Supplier<Path> place;

    private ModelName(Supplier<Path> place) {
        this.place = place;
    }

    /** One that lies on this machine. */
    public static ModelName of(Path path) {
        return new ModelName(() -> path);
    }

    /** One of a hub; how far it is shows while it comes. */
    public static ModelName of(HubName name, Console console) {
        return new ModelName(() -> fetched(name, console));
    }

    /**
     * Where it is.
     *
     * @param missing begins what is said if nothing is there
     */
    public Path path(String missing) {
        Path path = place.get();
        checkPlain(path, missing);
        return path;
    }

    /** Fetches a model by its name, unless it is there. */
    public static Path fetched(HubName name, Console console) {
        try (ProgressBar bar = console.progress("fetching MiB", 0)) {
            return new Hub(HubSettings.fromEnvironment()).find(name, new DownloadListener() {
                @Override
                public void progress(Progress p) {
                    bar.maxHint(p.bytes() / MIB).stepTo(p.bytesDone() / MIB);
                    bar.setExtraMessage(" " + p.file() + ", file " + Math.min(p.filesDone() + 1, p.files()) + " of " + p.files());
                }

                @Override
                public void note(String sentence) {
                    console.say("llm: " + sentence);
                }
            });
        }
    }

    /** Refuses what is not there, and what is there but can only be read from one end to the other, such as a pipe. */
    public static void checkPlain(Path path, String missing) {
        if (!Files.exists(path)) {
            throw new BadInput(missing + path);
        }
        if (!Files.isDirectory(path) && !Files.isRegularFile(path)) {
            throw new BadInput(path + " is neither a file nor a folder");
        }
    }
}
