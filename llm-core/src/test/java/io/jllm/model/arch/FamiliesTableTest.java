package io.jllm.model.arch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.model.Architecture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The table of families in the README is what the code says: names from the families themselves, and the first sentence of each class's
 * javadoc. {@code -Djllm.table=write} writes it.
 */
class FamiliesTableTest {
    private static final Pattern TABLE = Pattern.compile("(?s)(?<=<!-- families -->\n).*?(?=<!-- /families -->)");
    private static final String HEAD = "| `model_type` | GGUF | |\n|---|---|---|\n";

    @Test
    void readmeListsTheFamilies() throws IOException {
        Path root = root();
        Path readme = root.resolve("README.md");
        String text = Files.readString(readme);
        Matcher there = TABLE.matcher(text);
        assertTrue(there.find(), "README.md has no place for the table of families");
        var rows = new StringBuilder(HEAD);
        for (Architecture family : Families.all()) {
            rows.append(row(family, root));
        }
        if (System.getProperty("jllm.table", "").equals("write")) {
            Files.writeString(readme, there.replaceFirst(Matcher.quoteReplacement(rows.toString())));
            return;
        }
        assertEquals(rows.toString(), there.group(), "README.md's table of families: -Djllm.table=write writes it anew");
    }

    private static String row(Architecture family, Path root) throws IOException {
        String names = Stream.of(Stream.of(family.name()), family.aliases().stream(), family.multimodal().stream())
                .flatMap(n -> n).map(FamiliesTableTest::written).collect(Collectors.joining(", "));
        return "| " + names + " | `" + family.ggufName() + "` | " + sentence(family, root) + " |\n";
    }

    /** One that begins with a capital would be taken for one of our types. */
    private static String written(String name) {
        return Character.isUpperCase(name.charAt(0)) ? name : "`" + name + "`";
    }

    /** The first sentence of the javadoc of its class. */
    private static String sentence(Architecture family, Path root) throws IOException {
        String source = Files.readString(root.resolve("llm-core/src/main/java/" + family.getClass().getName().replace('.', '/') + ".java"));
        String before = source.substring(0, source.indexOf("public final class"));
        String doc = before.substring(before.lastIndexOf("/**") + 3).replaceAll("\\s*\\n \\* ?", " ").replace("*/", "").strip();
        Matcher first = Pattern.compile("(.+?)\\.(?= [A-Z<]|$)").matcher(doc);
        assertTrue(first.find(), family.getClass().getName() + " needs a javadoc with a sentence that says what it runs");
        return first.group(1).replaceAll("\\{@(?:code|link) ([^}]*)}", "`$1`");
    }

    private static Path root() {
        Path p = Path.of("").toAbsolutePath();
        while (!Files.exists(p.resolve("llm-core/pom.xml"))) {
            p = p.getParent();
        }
        return p;
    }
}
