package io.jllm.hub;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A GGUF model in one file or in several, which are named {@code ...-00001-of-00003.gguf}.
 *
 * @param base its path without number and ending
 * @param count how many files it says that it has
 * @param files those that are there, in order
 */
record Shards(String base, int count, List<RemoteFile> files) {
    private static final Pattern PART = Pattern.compile("(?<base>.+)-(?<number>\\d{5})-of-(?<count>\\d{5})\\.gguf", Pattern.CASE_INSENSITIVE);
    private static final String ENDING = ".gguf";

    private record Key(String base, int count) {
        static Key of(RemoteFile f) {
            Matcher m = PART.matcher(f.path());
            return m.matches() ? new Key(m.group("base"), Integer.parseInt(m.group("count")))
                    : new Key(f.path().substring(0, f.path().length() - ENDING.length()), 1);
        }
    }

    static boolean isGguf(RemoteFile f) {
        return f.path().toLowerCase(Locale.ROOT).endsWith(ENDING);
    }

    /** All models among files, in order of their paths. */
    static List<Shards> of(List<RemoteFile> files) {
        Map<Key, List<RemoteFile>> groups = new LinkedHashMap<>();
        files.stream().filter(Shards::isGguf).sorted(Comparator.comparing(RemoteFile::path))
                .forEach(f -> groups.computeIfAbsent(Key.of(f), _ -> new ArrayList<>()).add(f));
        return groups.entrySet().stream().map(e -> new Shards(e.getKey().base, e.getKey().count, e.getValue())).toList();
    }

    /** Refuses one of which files are missing. */
    Shards complete() {
        if (files.size() != count) {
            throw new HubException(base + " is in " + count + " files, of which " + files.size() + " are there");
        }
        return this;
    }

    /** Whether its name says that quantisation, as a word of its own, in the file or in its folder. */
    boolean says(String quantisation) {
        return Pattern.compile("(^|[-./])" + Pattern.quote(quantisation) + "($|[-./])", Pattern.CASE_INSENSITIVE).matcher(base).find();
    }

    /** Whether it is a model of text: no projector for pictures, no importance matrix. */
    boolean isModel() {
        String name = base.substring(base.lastIndexOf('/') + 1).toLowerCase(Locale.ROOT);
        return !name.contains("mmproj") && !name.contains("imatrix");
    }
}
