package io.jllm.hub;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Where hubs and caches are, and who asks.
 *
 * @param huggingFace Hugging Face's hub or a mirror of it
 * @param modelScope ModelScope
 * @param ollama the folder of Ollama's models
 * @param offline whether nothing is asked of any hub
 * @param links whether the cache may hold symbolic links, as Hugging Face's does; where they cannot be made, files lie plainly anyway
 * @param timeout how long a server may say nothing
 * @param retryDelay how long to wait before the second try of a request; each further one waits twice as long
 */
public record HubSettings(Site huggingFace, Site modelScope, Path ollama, boolean offline, boolean links, Duration timeout, Duration retryDelay) {
    private static final Set<String> TRUE = Set.of("1", "true", "yes", "on");

    /**
     * A hub.
     *
     * @param endpoint its address, http or https, without a slash at the end
     * @param token of the user; sent to this host and to no other
     * @param cache the folder that files are kept in
     */
    public record Site(URI endpoint, Optional<String> token, Path cache) {
        /** Checks the address. */
        public Site {
            if (endpoint.getHost() == null || !Set.of("http", "https").contains(String.valueOf(endpoint.getScheme()))) {
                throw new IllegalArgumentException("the address of a hub must be http://... or https://..., was " + endpoint);
            }
            token = token.map(String::strip).filter(t -> !t.isEmpty());
            if (token.filter(t -> t.chars().anyMatch(c -> c <= ' ' || c > '~')).isPresent()) {
                throw new IllegalArgumentException("the token for " + endpoint + " has characters that no token has");
            }
        }

        /** Kept out of logs. */
        @Override
        public String toString() {
            return endpoint + " with " + (token.isPresent() ? "a" : "no") + " token, cache " + cache;
        }
    }

    /**
     * Those that the hubs' own tools take: of Hugging Face {@code HF_ENDPOINT}, {@code HF_TOKEN}, {@code HF_TOKEN_PATH}, {@code HF_HOME},
     * {@code HF_HUB_CACHE}, {@code HF_HUB_OFFLINE}, {@code HF_HUB_DOWNLOAD_TIMEOUT}, {@code HF_HUB_DISABLE_SYMLINKS} and
     * {@code HF_HUB_DISABLE_IMPLICIT_TOKEN}; of ModelScope {@code MODELSCOPE_ENDPOINT}, {@code MODELSCOPE_API_TOKEN} and
     * {@code MODELSCOPE_CACHE}; of Ollama {@code OLLAMA_MODELS}.
     *
     * @throws IllegalArgumentException if one of them cannot be meant; the message names it
     */
    public static HubSettings fromEnvironment() {
        return of(System.getenv(), Path.of(System.getProperty("user.home")));
    }

    /** The same of an environment and a home folder. */
    public static HubSettings of(Map<String, String> environment, Path home) {
        var env = new Environment(environment);
        Path caches = env.path("XDG_CACHE_HOME").orElse(home.resolve(".cache"));
        Path hf = env.path("HF_HOME").orElse(caches.resolve("huggingface"));
        Path hub = env.path("HF_HUB_CACHE").or(() -> env.path("HUGGINGFACE_HUB_CACHE")).orElse(hf.resolve("hub"));
        Optional<String> token = env.flag("HF_HUB_DISABLE_IMPLICIT_TOKEN") ? Optional.empty()
                : env.text("HF_TOKEN").or(() -> env.text("HUGGING_FACE_HUB_TOKEN"))
                .or(() -> read(env.path("HF_TOKEN_PATH").orElse(hf.resolve("token"))));
        var huggingFace = new Site(env.address("HF_ENDPOINT").orElse(URI.create("https://huggingface.co")), token, hub);
        var modelScope = new Site(env.address("MODELSCOPE_ENDPOINT").orElse(URI.create("https://modelscope.cn")), env.text("MODELSCOPE_API_TOKEN"),
                env.path("MODELSCOPE_CACHE").orElse(home.resolve(".cache/modelscope")));
        return new HubSettings(huggingFace, modelScope, env.path("OLLAMA_MODELS").orElse(home.resolve(".ollama/models")),
                env.flag("HF_HUB_OFFLINE") || env.flag("TRANSFORMERS_OFFLINE"), !env.flag("HF_HUB_DISABLE_SYMLINKS"),
                env.seconds("HF_HUB_DOWNLOAD_TIMEOUT").orElse(Duration.ofSeconds(10)), Duration.ofSeconds(1));
    }

    private static Optional<String> read(Path token) {
        try {
            return Files.isRegularFile(token) ? Optional.of(Files.readString(token)) : Optional.empty();
        } catch (IOException e) {
            throw new IllegalArgumentException("the token in " + token + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Variables, of which empty ones are not there. */
    private record Environment(Map<String, String> all) {
        Optional<String> text(String name) {
            return Optional.ofNullable(all.get(name)).map(String::strip).filter(v -> !v.isEmpty());
        }

        Optional<Path> path(String name) {
            return text(name).map(Path::of);
        }

        boolean flag(String name) {
            return text(name).filter(v -> TRUE.contains(v.toLowerCase(Locale.ROOT))).isPresent();
        }

        Optional<URI> address(String name) {
            return text(name).map(v -> {
                try {
                    var withScheme = v.contains("://") ? v : "https://" + v;
                    return URI.create(withScheme.replaceAll("/+$", ""));
                } catch (IllegalArgumentException e) {
                    throw new IllegalArgumentException(name + " is no address: " + v, e);
                }
            });
        }

        Optional<Duration> seconds(String name) {
            return text(name).map(v -> {
                try {
                    return Duration.ofSeconds(Math.max(1, Long.parseLong(v)));
                } catch (NumberFormatException e) {
                    throw new IllegalArgumentException(name + " must be whole seconds, was " + v, e);
                }
            });
        }
    }
}
