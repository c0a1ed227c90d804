package main

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/component-base/featuregate"
	helper "k8s.io/component-helpers/resource"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/core"
	corev1 "k8s.io/kubernetes/pkg/apis/core/v1"
	"k8s.io/kubernetes/pkg/apis/core/v1/helper/qos"
	"k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/features"
	quota "k8s.io/kubernetes/pkg/quota/v1/evaluator/core"
	"k8s.io/utils/clock"
)

const latest = "1.37"

var emulated = latest

// emulate sets the feature gates to what that version of the API server has by default.
func emulate(server string) error {
	if server == "" {
		server = latest
	}
	if server == emulated {
		return nil
	}
	wanted, err := version.Parse(server)
	if err != nil {
		return err
	}
	gates, ok := utilfeature.DefaultMutableFeatureGate.(featuregate.MutableVersionedFeatureGate)
	if !ok {
		return fmt.Errorf("the feature gates have no versions")
	}
	if err := gates.SetEmulationVersion(wanted); err != nil {
		return err
	}
	emulated = server
	return nil
}

func qosClass(spec *v1.PodSpec) answer {
	return answer{"ok": true, "class": string(qos.ComputePodQOS(&v1.Pod{Spec: *spec}))}
}

func podRequests(spec *v1.PodSpec, status *v1.PodStatus) answer {
	pod := &v1.Pod{Spec: *spec}
	options := helper.PodResourcesOptions{
		SkipPodLevelResources: !utilfeature.DefaultFeatureGate.Enabled(features.PodLevelResources),
	}
	said := answer{"ok": true, "limits": list(helper.PodLimits(pod, options), skipZeros)}
	if status != nil {
		// As the scheduler asks.
		pod.Status = *status
		options.UseStatusResources = true
		options.InPlacePodLevelResourcesVerticalScalingEnabled = utilfeature.DefaultFeatureGate.Enabled(features.InPlacePodLevelResourcesVerticalScaling)
	}
	said["requests"] = list(helper.PodRequests(pod, options), skipZeros)
	return said
}

func quotaUsage(spec *v1.PodSpec) answer {
	usage, err := quota.PodUsageFunc(&v1.Pod{Spec: *spec}, clock.RealClock{})
	if err != nil {
		return failure(err)
	}
	// The number of objects, finished pods among them, has nothing to do with resources.
	delete(usage, "count/pods")
	return answer{"ok": true, "usage": list(usage, skipZeros)}
}

// defaulted does what the API server does to a new pod: defaults of the version, those of the pod as a whole.
func defaulted(spec *v1.PodSpec) answer {
	pod, err := stored(spec)
	if err != nil {
		return failure(err)
	}
	requirements := func(given v1.ResourceRequirements) answer {
		return answer{"requests": list(given.Requests, keepZeros), "limits": list(given.Limits, keepZeros)}
	}
	containers := func(given []v1.Container) []answer {
		all := []answer{}
		for _, container := range given {
			all = append(all, requirements(container.Resources))
		}
		return all
	}
	said := answer{
		"ok":             true,
		"containers":     containers(pod.Spec.Containers),
		"initContainers": containers(pod.Spec.InitContainers),
		"overhead":       list(pod.Spec.Overhead, keepZeros),
	}
	if utilfeature.DefaultFeatureGate.Enabled(features.PodLevelResources) && pod.Spec.Resources != nil {
		said["resources"] = requirements(*pod.Spec.Resources)
	}
	return said
}

func resize(from, to *v1.PodSpec) answer {
	if to == nil {
		return failure(fmt.Errorf("op \"resize\" without a pod to resize to"))
	}
	before, err := internal(from)
	if err != nil {
		return failure(err)
	}
	after, err := internal(to)
	if err != nil {
		return failure(err)
	}
	if utilfeature.DefaultFeatureGate.Enabled(features.PodLevelResourcesFixDefaulting) && after.Spec.Resources == nil {
		// As the resize subresource does for clients that do not know of them.
		after.Spec.Resources = before.Spec.Resources.DeepCopy()
	}
	options := podutil.GetValidationOptionsFromPodSpecAndMeta(&after.Spec, &before.Spec, &after.ObjectMeta, &before.ObjectMeta)
	options.ResourceIsPod = true
	refused := validation.ValidatePodResize(after, before, options)
	if len(refused) == 0 {
		return answer{"ok": true, "allowed": true}
	}
	return answer{"ok": true, "allowed": false, "why": refused.ToAggregate().Error()}
}

// stored is the pod as the API server would store it.
func stored(spec *v1.PodSpec) (*v1.Pod, error) {
	pod := &v1.Pod{Spec: *spec.DeepCopy()}
	corev1.SetObjectDefaults_Pod(pod)
	inside := &core.Pod{}
	if err := corev1.Convert_v1_Pod_To_core_Pod(pod, inside, nil); err != nil {
		return nil, err
	}
	podutil.DefaultPodLevelResources(inside)
	out := &v1.Pod{}
	return out, corev1.Convert_core_Pod_To_v1_Pod(inside, out, nil)
}

// internal is a whole pod with those resources, with everything that validation asks for.
func internal(spec *v1.PodSpec) (*core.Pod, error) {
	pod := &v1.Pod{Spec: *spec.DeepCopy()}
	if !utilfeature.DefaultFeatureGate.Enabled(features.PodLevelResources) {
		// As the API server does with fields that it does not know.
		pod.Spec.Resources = nil
	}
	pod.Name, pod.Namespace, pod.ResourceVersion = "pod", "default", "1"
	for _, containers := range [][]v1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range containers {
			containers[i].Image = "image"
		}
	}
	corev1.SetObjectDefaults_Pod(pod)
	inside := &core.Pod{}
	if err := corev1.Convert_v1_Pod_To_core_Pod(pod, inside, nil); err != nil {
		return nil, err
	}
	podutil.DefaultPodLevelResources(inside)
	return inside, nil
}

type zeros bool

const (
	keepZeros zeros = true
	skipZeros zeros = false
)

// list prints amounts by name.
func list(amounts v1.ResourceList, zeros zeros) answer {
	listed := answer{}
	for name, amount := range amounts {
		if zeros == keepZeros || !amount.IsZero() {
			number, suffix := amount.CanonicalizeBytes(nil)
			listed[string(name)] = string(number) + string(suffix)
		}
	}
	return listed
}
