package io.jllm.load;

import io.jllm.ModelLoadException;
import io.jllm.json.FileErrors;
import io.jllm.spi.OutOfMemory;
import java.nio.file.Path;
import java.util.Optional;

/** Why a model cannot be loaded, in words. Made before it is loaded: later there may be no memory for them. */
public final class LoadFailure {
    private static final String NOT_EVEN_WORDS = "cannot load the model: the Java heap is full: raise it with -Xmx";

    private final Path model;
    private final ModelLoadException wordless = new ModelLoadException(NOT_EVEN_WORDS);

    /** For the model of that path. */
    public LoadFailure(Path model) {
        this.model = model;
    }

    /** What to throw where loading it threw that. */
    public RuntimeException of(Throwable t) {
        try {
            Optional<String> shortage = OutOfMemory.in(t).map(OutOfMemory::describe);
            if (shortage.isPresent() && !(t instanceof ModelLoadException && t.getMessage().contains(shortage.get()))) {
                return new ModelLoadException("cannot load " + model + ": " + shortage.get(), t); // whatever it was taken for on its way
            }
            if (t instanceof ModelLoadException || t instanceof IllegalArgumentException) {
                return (RuntimeException) t;
            }
            if (FileErrors.isLost(t)) {
                return FileErrors.lost(model, t);
            }
            // A class that cannot be linked, a backend that broke.
            return new ModelLoadException("cannot load " + model + ": " + (t instanceof IllegalStateException ? t.getMessage() : t.toString()), t);
        } catch (OutOfMemoryError _) {
            wordless.initCause(t);
            return wordless;
        }
    }
}
