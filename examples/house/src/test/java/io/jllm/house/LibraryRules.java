package io.jllm.house;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Rules about what is published: the build files of libraries, the list of their versions, and what is written about how to depend on them. */
final class LibraryRules {
    private static final Pattern LISTED = Pattern.compile("<groupId>io\\.jllm</groupId>\\s*<artifactId>([\\w-]+)</artifactId>");
    private static final Pattern OWN_VERSION = Pattern.compile("</modelVersion>.*?<version>([^<]+)</version>", Pattern.DOTALL);
    private static final Pattern IN_XML = Pattern.compile("<groupId>io\\.jllm</groupId>\\s*<artifactId>([\\w-]+)</artifactId>\\s*(?:<version>([^<]+)</version>)?");
    private static final Pattern IN_LINE = Pattern.compile("io\\.jllm:([\\w-]+)(?::([\\w.-]+))?");

    private LibraryRules() {
    }

    /** What a build file says of its own version. */
    static String version(String pom) {
        return OWN_VERSION.matcher(pom).results().map(m -> m.group(1)).findFirst().orElseThrow();
    }

    /**
     * Libraries that are not in the list of versions, things in it that are none, and a list of other versions.
     *
     * @param version of all of them
     */
    static Set<String> unlisted(String bom, Set<String> libraries, String version) {
        Set<String> listed = LISTED.matcher(bom.substring(bom.indexOf("<dependencyManagement>"))).results().map(m -> m.group(1)).collect(Collectors.toSet());
        var found = new TreeSet<String>();
        libraries.stream().filter(l -> !listed.contains(l)).forEach(l -> found.add(l + " is not in the list of versions"));
        listed.stream().filter(l -> !libraries.contains(l)).forEach(l -> found.add(l + " is in the list of versions, and no library"));
        if (!version(bom).equals(version)) {
            found.add("the list of versions is of " + version(bom) + ", not of " + version);
        }
        return found;
    }

    /** Libraries whose build files do not say what Maven Central asks for, or that they are released. */
    static Set<String> unreleased(Map<String, String> poms) {
        var found = new TreeSet<String>();
        poms.forEach((artifact, pom) -> {
            for (String element : new String[] {"<name>", "<description>", "<maven.deploy.skip>false<"}) {
                if (!pom.contains(element)) {
                    found.add(artifact + " has no " + element.replaceAll("<$", "</") + " in its pom.xml");
                }
            }
        });
        return found;
    }

    /** Coordinates in a text for Maven, Gradle or JBang that nobody can fetch. */
    static Set<String> unknown(String text, Set<String> artifacts, String version) {
        var found = new TreeSet<String>();
        for (Pattern form : new Pattern[] {IN_XML, IN_LINE}) {
            form.matcher(text).results().forEach(m -> {
                if (!artifacts.contains(m.group(1))) {
                    found.add("io.jllm:" + m.group(1) + " does not exist");
                } else if (m.group(2) != null && !m.group(2).equals(version)) {
                    found.add("io.jllm:" + m.group(1) + " is of version " + version + ", not " + m.group(2));
                }
            });
        }
        return found;
    }
}
