package io.jllm.convert;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Tells whether a conversion that was broken off had the same source: names, sizes and times of its files, and importances. */
public final class SourceStamp {
    private SourceStamp() {
    }

    /**
     * A text that changes where one of these does.
     *
     * @param model a folder or a file
     * @throws IOException if it cannot be read
     */
    public static String of(Path model, ImportanceMatrix importance) throws IOException {
        Path real = model.toRealPath();
        var stamp = new StringBuilder();
        for (Path file : files(real)) {
            stamp.append(file).append(' ').append(Files.size(file)).append(' ').append(Files.getLastModifiedTime(file)).append('\n');
        }
        importance.names().stream().sorted().forEach(name -> stamp.append(name).append(' ')
                .append(Arrays.hashCode(importance.find(name).orElseThrow())).append('\n'));
        return stamp.toString();
    }

    /** Those of its folder: parts of a model lie beside each other. */
    private static List<Path> files(Path real) throws IOException {
        String name = String.valueOf(real.getFileName());
        boolean split = name.matches(".*-\\d{5}-of-\\d{5}\\.gguf");
        if (!Files.isDirectory(real) && !split) {
            return List.of(real);
        }
        String prefix = split ? name.substring(0, name.lastIndexOf("-of-") - 5) : "";
        try (var all = Files.list(Files.isDirectory(real) ? real : real.getParent())) {
            return all.filter(f -> Files.isRegularFile(f) && f.getFileName().toString().startsWith(prefix)).sorted()
                    .toList();
        }
    }
}
