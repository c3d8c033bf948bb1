package io.jllm.jmh.compare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A file of settings: each line has options as on the command line, which they complete. Lines that begin with # are comments. */
final class Plan {
    private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|(\\S+)");

    private Plan() {
    }

    /** The words of each line; those in double quotes may have blanks in them. */
    static List<List<String>> read(Path file) throws IOException {
        var lines = new ArrayList<List<String>>();
        for (String line : Files.readAllLines(file)) {
            if (line.isBlank() || line.strip().startsWith("#")) {
                continue;
            }
            var words = new ArrayList<String>();
            Matcher m = WORD.matcher(line);
            while (m.find()) {
                words.add(m.group(1) != null ? m.group(1) : m.group(2));
            }
            lines.add(words);
        }
        return lines;
    }
}
