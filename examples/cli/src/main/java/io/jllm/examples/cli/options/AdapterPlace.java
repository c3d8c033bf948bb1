package io.jllm.examples.cli.options;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * An adapter as it is typed.
 *
 * @param name what stands before the path, or the name of the file or folder
 * @param path what is there
 */
public record AdapterPlace(String name, Path path) {
    /**
     * Reads {@code [NAME=]PATH}.
     *
     * @throws io.jllm.examples.cli.output.BadInput if nothing is there
     */
    public static AdapterPlace of(String typed) {
        int equals = typed.indexOf('=');
        boolean named = equals > 0 && !Files.exists(Path.of(typed));
        Path path = Path.of(named ? typed.substring(equals + 1) : typed);
        ModelName.checkPlain(path, "there is no adapter ");
        return new AdapterPlace(named ? typed.substring(0, equals) : ServedModels.nameOf(path), path);
    }
}
