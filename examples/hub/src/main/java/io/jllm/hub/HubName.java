package io.jllm.hub;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What models are called: {@code hf:owner/name} of Hugging Face's hub, {@code ms:owner/name} of ModelScope, {@code ollama:name} of what Ollama has
 * pulled. {@code @revision} after it names a branch, a tag or a commit; then, after a colon, a quantisation ({@code :Q8_0}) or a file
 * ({@code :sub/model.gguf}) chooses among GGUF files. Ollama's names have their tag after the colon.
 *
 * @param place where it is
 * @param id owner and name, with a slash between them; of Ollama's own models the name alone
 * @param revision branch, tag or commit; empty for the main one
 * @param choice quantisation or file; empty for what suits most
 */
public record HubName(Place place, String id, Optional<String> revision, Optional<String> choice) {
    private static final Pattern NAME = Pattern.compile("(?<place>[a-z]+):(?<id>[^@:]+)(@(?<revision>[^:]+))?(:(?<choice>.+))?");
    private static final Pattern PART = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]*");
    private static final Pattern REVISION = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._+/-]*");

    /** Where models are. */
    public enum Place {
        /** Hugging Face's hub, or a mirror. */
        HF,
        /** ModelScope. */
        MS,
        /** Ollama's store on this machine. */
        OLLAMA;

        private String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Whether a text begins as such a name does, and so is meant as none of a file. */
    public static boolean isName(String text) {
        return Arrays.stream(Place.values()).anyMatch(p -> text.startsWith(p.word() + ":"));
    }

    /**
     * Reads one.
     *
     * @throws IllegalArgumentException if it is none; the message says what one looks like
     */
    public static HubName parse(String text) {
        Matcher m = NAME.matcher(text);
        if (!isName(text) || !m.matches()) {
            throw wrong(text, "");
        }
        Place place = Place.valueOf(m.group("place").toUpperCase(Locale.ROOT));
        var id = List.of(m.group("id").split("/", -1));
        var revision = Optional.ofNullable(m.group("revision"));
        if (id.stream().anyMatch(p -> !PART.matcher(p).matches() || p.contains(".."))) {
            throw wrong(text, "; owner and name are letters, digits, '.', '_' and '-'");
        }
        if (place == Place.OLLAMA ? id.size() > 2 || revision.isPresent() : id.size() != 2) {
            throw wrong(text, "");
        }
        if (revision.filter(r -> !REVISION.matcher(r).matches() || r.contains("..")).isPresent()) {
            throw wrong(text, "; a revision is a branch, a tag or a commit");
        }
        var choice = Optional.ofNullable(m.group("choice"));
        choice.filter(c -> !RemoteFile.isSafe(c)).ifPresent(c -> {
            throw wrong(text, "; after the colon comes a quantisation or a file of the repository");
        });
        return new HubName(place, String.join("/", id), revision, choice);
    }

    private static IllegalArgumentException wrong(String text, String more) {
        return new IllegalArgumentException("\"" + text + "\" is no name of a model: names are hf:owner/name[@revision][:quantisation or file], "
                + "ms:owner/name[@revision][:quantisation or file] and ollama:name[:tag]" + more);
    }

    /** Owner and name, joined by something else than a slash. */
    String id(String between) {
        return id.replace("/", between);
    }

    @Override
    public String toString() {
        return place.word() + ":" + id + revision.map(r -> "@" + r).orElse("") + choice.map(c -> ":" + c).orElse("");
    }
}
